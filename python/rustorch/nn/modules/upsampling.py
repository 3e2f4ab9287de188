"""Resizing layers."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resize the spatial dimensions to `size`, or by `scale_factor`.

    Args:
        size (int or tuple, None), scale_factor (float or tuple, None): one of them.
        mode (str, 'nearest'): nearest, linear (3-d input), bilinear, bicubic (4-d) or trilinear (5-d).
        align_corners (bool, None): the corner pixels' centres, not their outer edges, keep their place.
        recompute_scale_factor (bool, None): use the factor that the rounded size has.
    Shape:  input (N, C, *), one to three spatial dimensions.
    Example:
        >>> nn.Upsample(scale_factor=2)(torch.zeros(1, 1, 2, 2)).shape
        torch.Size([1, 1, 4, 4])
    """

    __constants__ = ["align_corners", "mode", "name", "recompute_scale_factor", "scale_factor", "size"]

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input):
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def __setstate__(self, state):
        state.setdefault("recompute_scale_factor", True)
        super().__setstate__(state)

    def extra_repr(self):
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample for images with mode 'nearest'.

    Args:  size (int or tuple, None), scale_factor (float or tuple, None): one of them.
    Example:
        >>> nn.UpsamplingNearest2d(scale_factor=2)(torch.tensor([[[[1.0, 2.0]]]]))
        tensor([[[[1., 1., 2., 2.],
                  [1., 1., 2., 2.]]]])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample for images with mode 'bilinear' and aligned corners.

    Args:  size (int or tuple, None), scale_factor (float or tuple, None): one of them.
    Example:
        >>> nn.UpsamplingBilinear2d(scale_factor=2)(torch.tensor([[[[0.0, 3.0]]]]))
        tensor([[[[0., 1., 2., 3.],
                  [0., 1., 2., 3.]]]])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
