"""Batch normalisation."""

import sys

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules._constructors import name_constructor
from rustorch.nn.modules.lazy import LazyModuleMixin
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
]


def _check_dims(input, *dims):
    if input.dim() not in dims:
        expected = " or ".join(f"{n}D" for n in dims)
        raise ValueError(f"expected {expected} input (got {input.dim()}D input)")


class _NormBase(Module):
    """What batch and instance normalisation share: weight, bias and running statistics."""

    # Version 2 added num_batches_tracked.
    _version = 2
    __constants__ = ["affine", "eps", "momentum", "num_features", "track_running_stats"]

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats

        def new():
            return Parameter(rustorch.empty(num_features, device=device, dtype=dtype))

        self.register_parameter("weight", new() if affine else None)
        self.register_parameter("bias", new() if affine and bias else None)
        mean = var = count = None
        if track_running_stats:
            mean = rustorch.zeros(num_features, device=device, dtype=dtype)
            var = rustorch.ones(num_features, device=device, dtype=dtype)
            count = rustorch.tensor(0, dtype=rustorch.long, device=device)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", var)
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """Set weight to 1 and bias to 0, and forget the running statistics."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input):
        raise NotImplementedError

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        version = local_metadata.get("version", None)
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            known = count is not None and not count.is_meta
            state_dict[key] = count if known else rustorch.tensor(0, dtype=rustorch.long)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class _BatchNorm(_NormBase):
    """Batch normalisation for any number of dimensions."""

    def forward(self, input):
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        # The tables first: an attribute that only __getattr__ finds costs several dict lookups more.
        params, buffers = self._parameters, self._buffers
        weight = params["weight"] if "weight" in params else self.weight
        bias = params["bias"] if "bias" in params else self.bias
        mean = buffers["running_mean"] if "running_mean" in buffers else self.running_mean
        var = buffers["running_var"] if "running_var" in buffers else self.running_var
        training = self.training
        if training:
            if not self.track_running_stats:
                mean = var = None
            elif (count := self.num_batches_tracked) is not None:
                count.add_(1)
                if self.momentum is None:  # cumulative average
                    factor = 1.0 / float(count)
        else:
            training = mean is None and var is None
        return F.batch_norm(input, mean, var, weight, bias, training, factor, self.eps)


name_constructor(_BatchNorm, shared=("_NormBase",))


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """A normalisation whose num_features the first input gives."""

    def __init__(
        self,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        # Without features there is nothing to allocate yet.
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = rustorch.tensor(0, dtype=rustorch.long, device=device)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input):
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        names = ["weight", "bias"] if self.affine else []
        names += ["running_mean", "running_var"] if self.track_running_stats else []
        for name in names:
            tensor = getattr(self, name)
            if tensor is not None:
                tensor.materialize((self.num_features,))
        self.reset_parameters()


class BatchNorm1d(_BatchNorm):
    """Normalise each channel over the batch: `(x - mean) / sqrt(var + eps) * weight + bias`.

    In training the statistics are those of the batch, and the running ones move towards them; after `eval()` the
    running ones are used.

    Args:
        num_features (int): number of channels, dimension 1 of the input.
        eps (float, 1e-5): added to the variance.
        momentum (float or None, 0.1): weight of the new batch in the running statistics; None averages all batches.
        affine (bool, True): whether there are weight and bias.
        track_running_stats (bool, True): keep running statistics; without them the batch's are always used.
        device (device, None), dtype (dtype, None): of the parameters and buffers.
        bias (bool, True): whether there is a bias, if affine.
    Shape:  input (N, C) or (N, C, L), output the same.
    Attributes:  weight (C) ones, bias (C) zeros, running_mean (C), running_var (C), num_batches_tracked ()
    Raises:  ValueError: if the input has another number of dims, or in training one value per channel.
    Example:
        >>> norm = nn.BatchNorm1d(1)
        >>> norm(torch.tensor([[1.0], [3.0]]))
        tensor([[-1.0000],
                [ 1.0000]], grad_fn=<NativeBatchNormBackward0>)
        >>> norm.running_mean, norm.num_batches_tracked
        (tensor([0.2000]), tensor(1))

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    def _check_input_dim(self, input):
        _check_dims(input, 2, 3)


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for images.

    Shape:  input (N, C, H, W), output the same.
    Example:
        >>> x = nn.BatchNorm2d(3)(torch.randn(8, 3, 4, 4))
        >>> x.shape, bool(x.mean((0, 2, 3)).abs().max() < 1e-5)
        (torch.Size([8, 3, 4, 4]), True)
    """

    def _check_input_dim(self, input):
        _check_dims(input, 4)


class BatchNorm3d(_BatchNorm):
    """BatchNorm1d for volumes.

    Shape:  input (N, C, D, H, W), output the same.
    Example:
        >>> nn.BatchNorm3d(3).eval()(torch.randn(8, 3, 2, 4, 4)).shape
        torch.Size([8, 3, 2, 4, 4])
    """

    def _check_input_dim(self, input):
        _check_dims(input, 5)


class LazyBatchNorm1d(_LazyNormBase, _BatchNorm):
    """A BatchNorm1d whose num_features the first input gives.

    Example:
        >>> layer = nn.LazyBatchNorm1d()
        >>> _ = layer(torch.randn(2, 5, 6))
        >>> layer
        BatchNorm1d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    cls_to_become = BatchNorm1d
    _check_input_dim = BatchNorm1d._check_input_dim


class LazyBatchNorm2d(_LazyNormBase, _BatchNorm):
    """A BatchNorm2d whose num_features the first input gives.

    Example:
        >>> layer = nn.LazyBatchNorm2d()
        >>> _ = layer(torch.randn(2, 5, 6, 6))
        >>> layer
        BatchNorm2d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    cls_to_become = BatchNorm2d
    _check_input_dim = BatchNorm2d._check_input_dim


class LazyBatchNorm3d(_LazyNormBase, _BatchNorm):
    """A BatchNorm3d whose num_features the first input gives.

    Example:
        >>> layer = nn.LazyBatchNorm3d()
        >>> _ = layer(torch.randn(2, 5, 6, 6, 6))
        >>> layer
        BatchNorm3d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    cls_to_become = BatchNorm3d
    _check_input_dim = BatchNorm3d._check_input_dim


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation for any number of dimensions, with statistics over all processes of a group.

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as for BatchNorm1d.
        process_group (None): the group whose batches are taken together; None is all processes.
    Shape:  input (N, C, *), output the same.
    Example:
        >>> net = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(3)))
        >>> type(net[0]).__name__
        'SyncBatchNorm'
    """

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        process_group=None,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input):
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    def _check_non_zero_input_channels(self, input):
        if input.size(1) == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    def forward(self, input):
        self._check_input_dim(input)
        self._check_non_zero_input_channels(input)
        # If nothing has imported it, there is no process group either.
        distributed = sys.modules.get("rustorch.distributed")
        together = self.training and distributed is not None and distributed.is_initialized()
        # Only processes with a GPU of their own share statistics.
        if together and input.device.type == "cpu":
            raise ValueError("SyncBatchNorm expected input tensor to be on GPU or XPU or privateuseone")
        return super().forward(input)

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """Replace every BatchNorm in `module` by a SyncBatchNorm with the same tensors; return the new root."""
        converted = module
        if isinstance(module, _BatchNorm):
            converted = SyncBatchNorm(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            if module.affine:
                converted.weight = module.weight
                converted.bias = module.bias
            converted.running_mean = module.running_mean
            converted.running_var = module.running_var
            converted.num_batches_tracked = module.num_batches_tracked
            converted.training = module.training
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted
