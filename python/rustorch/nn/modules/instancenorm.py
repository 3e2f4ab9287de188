"""Instance normalisation."""

import warnings

from rustorch.nn import functional as F
from rustorch.nn.modules.batchnorm import _check_dims, _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    """Instance normalisation; subclasses say how many dimensions an input without a batch has."""

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _get_no_batch_dim(self):
        raise NotImplementedError

    def _check_input_dim(self, input):
        unbatched = self._get_no_batch_dim()
        _check_dims(input, unbatched, unbatched + 1)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        if local_metadata.get("version", None) is None and not self.track_running_stats:
            # Before version 0.4 running statistics were kept in any case.
            stale = [prefix + name for name in ("running_mean", "running_var") if prefix + name in state_dict]
            if stale:
                names = " and ".join(f'"{key}"' for key in stale)
                klass = type(self).__name__
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {names} for {klass} with track_running_stats=False. If "
                    f"state_dict is a checkpoint saved before 0.4.0, this may be expected because {klass} does not "
                    "track running stats by default since 0.4.0. Please remove these keys from state_dict. If the "
                    f"running stats are actually needed, instead set track_running_stats=True in {klass} to enable "
                    f"them. See the documentation of {klass} for details."
                )
                for key in stale:
                    state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def _apply_instance_norm(self, input):
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )

    def forward(self, input):
        self._check_input_dim(input)
        unbatched = self._get_no_batch_dim()
        dim = input.dim() - unbatched
        if input.size(dim) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), "
                    f"but got: {input.size(dim)}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing "
                "in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        if dim == 0:
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_instance_norm(input)


class InstanceNorm1d(_InstanceNorm):
    """Normalise each channel of each sample: `(x - mean) / sqrt(var + eps) * weight + bias`.

    Args:
        num_features (int): number of channels.
        eps (float, 1e-5): added to the variance.
        momentum (float, 0.1): weight of the new batch in the running statistics.
        affine (bool, False): whether there are weight and bias.
        track_running_stats (bool, False): keep running statistics and use them after `eval()`.
        device (device, None), dtype (dtype, None): of the parameters and buffers.
        bias (bool, True): whether there is a bias, if affine.
    Shape:  input (N, C, L) or (C, L), output the same.
    Example:
        >>> nn.InstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]], [[5.0, 9.0]]]))
        tensor([[[-1.0000,  1.0000]],
        <BLANKLINE>
                [[-1.0000,  1.0000]]])

    Source: Ulyanov et al. 2016, arXiv:1607.08022.
    """

    def _get_no_batch_dim(self):
        return 2


class InstanceNorm2d(_InstanceNorm):
    """InstanceNorm1d for images.

    Shape:  input (N, C, H, W) or (C, H, W), output the same.
    Example:
        >>> x = nn.InstanceNorm2d(3)(torch.randn(2, 3, 4, 4))
        >>> bool(x.mean((2, 3)).abs().max() < 1e-5)
        True
    """

    def _get_no_batch_dim(self):
        return 3


class InstanceNorm3d(_InstanceNorm):
    """InstanceNorm1d for volumes.

    Shape:  input (N, C, D, H, W) or (C, D, H, W), output the same.
    Example:
        >>> nn.InstanceNorm3d(3, affine=True)(torch.randn(2, 3, 2, 4, 4)).shape
        torch.Size([2, 3, 2, 4, 4])
    """

    def _get_no_batch_dim(self):
        return 4


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm1d whose num_features dimension 1 of the first input gives.

    Example:
        >>> layer = nn.LazyInstanceNorm1d()
        >>> _ = layer(torch.randn(2, 5, 6))
        >>> layer.num_features
        5
    """

    cls_to_become = InstanceNorm1d
    _check_input_dim = InstanceNorm1d._check_input_dim
    _get_no_batch_dim = InstanceNorm1d._get_no_batch_dim


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm2d whose num_features dimension 1 of the first input gives.

    Example:
        >>> layer = nn.LazyInstanceNorm2d()
        >>> _ = layer(torch.randn(2, 5, 6, 6))
        >>> layer.num_features
        5
    """

    cls_to_become = InstanceNorm2d
    _check_input_dim = InstanceNorm2d._check_input_dim
    _get_no_batch_dim = InstanceNorm2d._get_no_batch_dim


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm3d whose num_features dimension 1 of the first input gives.

    Example:
        >>> layer = nn.LazyInstanceNorm3d()
        >>> _ = layer(torch.randn(2, 5, 6, 6, 6))
        >>> layer.num_features
        5
    """

    cls_to_become = InstanceNorm3d
    _check_input_dim = InstanceNorm3d._check_input_dim
    _get_no_batch_dim = InstanceNorm3d._get_no_batch_dim
