"""The base of all optimisers: parameter groups, state, saving and loading, hooks."""

import functools
import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy
from itertools import chain, repeat
from operator import attrgetter, is_not, itemgetter

import rustorch
from rustorch import Tensor
from rustorch.optim import _third_party
from rustorch.utils.hooks import RemovableHandle

# Optimisers written elsewhere import these from here.
globals().update({name: value for name, value in vars(_third_party).items() if not name.startswith("__")})

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

_global_optimizer_pre_hooks = OrderedDict()
_global_optimizer_post_hooks = OrderedDict()


class _RequiredParameter:
    """The default of an option that every parameter group must give."""

    def __repr__(self):
        return "<required parameter>"


required = _RequiredParameter()


def register_optimizer_step_pre_hook(hook):
    """Call `hook(optimizer, args, kwargs)` before every step of every optimiser.

    Returns: a handle whose `remove()` takes the hook away. The hook may return a new `(args, kwargs)`.
    Example:
        >>> handle = torch.optim.optimizer.register_optimizer_step_pre_hook(lambda opt, args, kwargs: print("step"))
        >>> p = torch.ones(1, requires_grad=True)
        >>> torch.optim.SGD([p]).step()
        step
        >>> handle.remove()
    """
    handle = RemovableHandle(_global_optimizer_pre_hooks)
    _global_optimizer_pre_hooks[handle.id] = hook
    return handle


def register_optimizer_step_post_hook(hook):
    """Call `hook(optimizer, args, kwargs)` after every step of every optimiser; returns a removable handle.

    Example:
        >>> handle = torch.optim.optimizer.register_optimizer_step_post_hook(lambda opt, args, kwargs: print("done"))
        >>> p = torch.ones(1, requires_grad=True)
        >>> torch.optim.SGD([p]).step()
        done
        >>> handle.remove()
    """
    handle = RemovableHandle(_global_optimizer_post_hooks)
    _global_optimizer_post_hooks[handle.id] = hook
    return handle


_grad_of = attrgetter("grad")

_HOOK_TABLES = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


class _Entries:
    """Entries of a parameter's state by name: `pick(state)` gives them as a tuple."""

    def __init__(self, *names):
        self.names = names
        pick = itemgetter(*names)
        self.pick = pick if len(names) > 1 else lambda state: (pick(state),)


class Optimizer(_third_party.ForSubclasses):
    """Base class of all optimisers.

    Args:
        params (iterable): tensors, `(name, tensor)` pairs, or dicts that each define one parameter group.
        defaults (dict): the options of groups that do not give their own.

    Attributes:
        param_groups (list of dict): `params` and the options of each group; changes take effect at the next step.
        state (dict): tensor -> dict of what the algorithm remembers about it.
    Raises:  TypeError: if `params` is a tensor or holds something else, or those of a group are a set.
        ValueError: if it is empty, or a parameter is no leaf or is in two groups.
    Example:
        >>> class Sign(torch.optim.Optimizer):
        ...     def __init__(self, params, lr=0.1):
        ...         super().__init__(params, {"lr": lr})
        ...     @torch.no_grad()
        ...     def step(self, closure=None):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 p -= group["lr"] * p.grad.sign()
        >>> w = torch.tensor([1.0, -1.0], requires_grad=True)
        >>> optimizer = Sign([w])
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -0.9000], requires_grad=True)
    """

    def __init__(self, params, defaults):
        self.defaults = defaults
        for table in _HOOK_TABLES:
            setattr(self, table, OrderedDict())
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + rustorch.typename(params)
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for table in _HOOK_TABLES:
            if table not in self.__dict__:
                setattr(self, table, OrderedDict())
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for option, value in self._late_options.items():
                if option in self.defaults:
                    group.setdefault(option, value)

    # Options that older checkpoints lack, with what they meant there.
    _late_options = {}

    def __repr__(self):
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i else [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # ---- stepping

    def step(self, closure=None):
        """Update every parameter that has a gradient.

        Args: closure (callable, None): evaluates the model and returns the loss.
        Returns: what the closure returned.
        """
        raise NotImplementedError

    @staticmethod
    def profile_hook_step(func):
        """`func`, a step method, with the step hooks around it."""

        @functools.wraps(func)
        def step(self, *args, **kwargs):
            if not (
                self._optimizer_step_pre_hooks
                or self._optimizer_step_post_hooks
                or _global_optimizer_pre_hooks
                or _global_optimizer_post_hooks
            ):
                return func(self, *args, **kwargs)
            args = (self, *args)
            for hook in [*_global_optimizer_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()]:
                result = hook(self, args, kwargs)
                if result is None:
                    continue
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"{func} must return None or a tuple of (new_args, new_kwargs), but got {result}."
                    )
                args, kwargs = result
            out = func(*args, **kwargs)
            for hook in [*self._optimizer_step_post_hooks.values(), *_global_optimizer_post_hooks.values()]:
                hook(self, args, kwargs)
            return out

        return step

    def _patch_step_function(self):
        cls = type(self)
        self._zero_grad_profile_name = f"Optimizer.zero_grad#{cls.__name__}.zero_grad"
        if not getattr(cls.step, "hooked", None):
            cls.step = self.profile_hook_step(cls.step)
            cls.step.hooked = True

    def _with_grad(self, group):
        """The parameters of a group that have a gradient, and their gradients."""
        params = group["params"]
        # Whole-list calls in C: with small tensors a step is mostly this bookkeeping (benches/python/overhead.py).
        grads = list(map(_grad_of, params))
        if all(map(is_not, grads, repeat(None))):
            return params, grads
        return [p for p in params if p.grad is not None], [g for g in grads if g is not None]

    def _gather(self, group, entries):
        """The tensors that one step works on, as parallel sequences: params, grads, and what `entries` picks.

        Parameters without a gradient are left out; `_init_state(group, p, state)` fills an empty state first.
        """
        params, grads = self._with_grad(group)
        states = list(map(self.state.__getitem__, params))
        if not states:
            return params, grads, *[()] * len(entries.names)
        try:
            return params, grads, *zip(*map(entries.pick, states))
        except KeyError:
            for p, state in zip(params, states):
                if not state:
                    if p.grad.is_sparse and not self._takes_sparse:
                        raise RuntimeError(self._sparse_message()) from None
                    self._init_state(group, p, state)
        return params, grads, *zip(*map(entries.pick, states))

    _takes_sparse = False

    def _sparse_message(self):
        return f"{type(self).__name__} does not support sparse gradients"

    def _init_state(self, group, p, state):
        raise NotImplementedError

    def _refuse_sparse(self, grads):
        for grad in grads:
            if grad.is_sparse:
                raise RuntimeError(self._sparse_message())

    # ---- hooks

    def register_step_pre_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` before each step; it may return a new `(args, kwargs)`."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` before `state_dict()` collects anything."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` on the result of `state_dict()`; it may return another."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` before loading; it may return the dict to load instead."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` after a state dict was loaded."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ---- saving and loading

    def state_dict(self):
        """The state and the options, with parameters replaced by their running number.

        Returns: `{"state": {number: dict}, "param_groups": [dict with "params": [number, ...]]}`.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                numbers.setdefault(id(p), i)
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        out = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            result = hook(self, out)
            out = out if result is None else result
        return out

    @staticmethod
    def _process_value_according_to_param_policy(param, value, param_id, param_groups, key=None):
        """A loaded tensor on the device, and but for `step` in the dtype, of its parameter."""
        if key == "step":
            group = next((g for g in param_groups if param_id in g["params"]), {})
            if group.get("capturable") or group.get("fused"):
                return value.to(dtype=rustorch.float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)

    def load_state_dict(self, state_dict):
        """Take over the state and the options of `state_dict`; parameters are matched by position.

        Raises: ValueError: if the number of groups, or of parameters in a group, differs.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            result = hook(self, state_dict)
            state_dict = state_dict if result is None else result
        groups = self.param_groups
        saved = deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        owner = dict(
            zip(chain.from_iterable(s["params"] for s in saved), chain.from_iterable(g["params"] for g in groups))
        )
        saved_groups = state_dict["param_groups"]

        def fit(param, number, value, key=None):
            if isinstance(value, Tensor):
                return self._process_value_according_to_param_policy(param, value, number, saved_groups, key)
            if isinstance(value, dict):
                return {k: fit(param, number, v, k) for k, v in value.items()}
            if hasattr(value, "__iter__"):
                return type(value)(fit(param, number, v) for v in value)
            return value

        state = defaultdict(dict)
        for number, value in state_dict["state"].items():
            if number in owner:
                state[owner[number]] = fit(owner[number], number, value)
            else:
                state[number] = value
        for group, new in zip(groups, saved):
            new["params"] = group["params"]
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # ---- parameters

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or fill them with zeros if not `set_to_none`."""
        if set_to_none:
            for group in self.param_groups:
                for p in group["params"]:
                    p.grad = None
            return
        for group in self.param_groups:
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def add_param_group(self, param_group):
        """Add a group, for instance a layer that is trained from some epoch on with its own learning rate.

        Args: param_group (dict): `params`, and the options that differ from the defaults.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        params = list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        param_group["params"] = params = [p[1] if isinstance(p, tuple) else p for p in params]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + rustorch.typename(p))
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        unique = set(params)
        if len(unique) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        named = "param_names" in param_group
        for group in self.param_groups:
            if named != ("param_names" in group):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with names' if named else 'without names'} to the optimizer"
                )
        if any(not unique.isdisjoint(group["params"]) for group in self.param_groups):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)


class _Plain(Optimizer):
    """An optimiser whose step is one call of its functional form for each group.

    Subclasses name the entries of a parameter's state in `_entries` and write `_update(group, params, grads, *lists)`.
    """

    _late_options = {"foreach": None, "maximize": False, "capturable": False, "differentiable": False}

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            _step_tensors(self, group)

    def step(self, closure=None):
        loss = _closure_loss(closure)
        with rustorch.set_grad_enabled(bool(self.defaults.get("differentiable", False))):
            for group in self.param_groups:
                params, grads, *lists = self._gather(group, self._entries)
                self._refuse_sparse(grads)
                if "capturable" in group:
                    _check_capturable(params, group["capturable"])
                self._update(group, params, grads, *lists)
        return loss

    def _update(self, group, params, grads, *lists):
        raise NotImplementedError


def _register(table, hook, prepend=False):
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


# ---- shared by the algorithms


def _check_lr(lr, message="Invalid learning rate: {}"):
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(message.format(lr))


def _checked(**options):
    """The options as the defaults of an optimiser, once those that several of them have are in range."""
    _check_lr(options["lr"])
    if "eps" in options:
        _check_non_negative(epsilon=options["eps"])
    if "betas" in options:
        _check_betas(options["betas"])
    for name in ("momentum", "weight_decay", "momentum_decay"):
        if name in options:
            _check_non_negative(**{name: options[name]})
    return options


def _check_non_negative(**values):
    for name, value in values.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {name} value: {value}")


def _check_betas(betas):
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def _check_fused_options(fused, foreach, differentiable):
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _check_fused_params(params):
    for p in params:
        _third_party._device_dtype_check_for_fused(p)


def _check_capturable(params, capturable):
    if capturable and any(p.device.type == "cpu" for p in params):
        raise AssertionError(
            "If capturable=True, params and state_steps must be on supported devices: "
            "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
        )


def _check_steps(state_steps):
    if not all(isinstance(step, Tensor) for step in state_steps):
        raise RuntimeError("API has changed, `state_steps` argument must contain a list of singleton tensors")


def _get_scalar_dtype(is_fused=None):
    """The dtype of step counters."""
    if not is_fused and rustorch.get_default_dtype() == rustorch.float64:
        return rustorch.float64
    return rustorch.float32


def _new_step(value=0.0, is_fused=None):
    return rustorch.tensor(value, dtype=_get_scalar_dtype(is_fused))


def _step_tensors(optimizer, group):
    """Turn step counts that old checkpoints kept as numbers into tensors."""
    for p in group["params"]:
        state = optimizer.state.get(p)
        if state and "step" in state and not isinstance(state["step"], Tensor):
            state["step"] = _new_step(float(state["step"]), group.get("fused"))


def _to_scalar(x):
    """A one-element tensor as a 0-d one; anything else unchanged."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() != 0 else x


def _get_value(x):
    return x.item() if isinstance(x, Tensor) else x


def _zeros(p):
    return rustorch.zeros_like(p, memory_format=rustorch.preserve_format)


def _number(x):
    """`x` as a Python number for a fused step."""
    return float(x) if isinstance(x, Tensor) else x


def _closure_loss(closure):
    """The loss that `closure` computes, with gradients recorded whatever the mode around it."""
    if closure is None:
        return None
    with rustorch.enable_grad():
        return closure()


def _as_real(*tensors):
    """Complex tensors as pairs of reals: element-wise algorithms treat the parts apart."""
    return [rustorch.view_as_real(t) for t in tensors]
