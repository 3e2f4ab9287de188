"""What turns a layer into one that learns its sizes from the first input."""

import rustorch
from rustorch.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Mixed in ahead of a layer whose parameters get their shape in the first forward pass.

    A subclass sets `cls_to_become` and defines `initialize_parameters(*args, **kwargs)`, which is given the inputs
    of the first call. Before that call the optimizer has nothing to train, so build it afterwards.
    """

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def _tensors(self):
        return [*self._parameters.items(), *self._buffers.items()]

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        # An uninitialised tensor cannot be detached and is saved as it is.
        for name, value in self._tensors():
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()

    def _lazy_load_hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """Take the shapes of the entries of a state_dict before the values are copied."""
        for name, value in self._tensors():
            entry = state_dict.get(prefix + name)
            if entry is not None and is_lazy(value) and not is_lazy(entry):
                with rustorch.no_grad():
                    value.materialize(entry.shape)

    def initialize_parameters(self, *args, **kwargs):
        """Give all parameters and buffers their shape, from the inputs of the first call."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """True while a parameter or buffer has no shape."""
        return any(is_lazy(value) for _, value in self._tensors())

    def _infer_parameters(self, module, args, kwargs=None):
        """The forward pre-hook: initialise, take the hooks away and become the ordinary class."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook
        del module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self):
        raise RuntimeError(
            "Modules with uninitialized parameters can't be used with `DataParallel`. Run a dummy forward pass to "
            "correctly initialize the modules"
        )
