"""Distances and similarities as layers."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """The p-norm of `x1 - x2 + eps` along the last dimension.

    Args:
        p (float, 2): the norm; negative ones are allowed.
        eps (float, 1e-6): keeps the gradient finite where the inputs are equal.
        keepdim (bool, False): keep the last dimension with size 1.
    Shape:  inputs (N, D) or (D), output (N) or ().
    Example:
        >>> nn.PairwiseDistance(eps=0.0)(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([5.])
    """

    __constants__ = ["eps", "keepdim", "norm"]

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """The cosine of the angle between x1 and x2 along `dim`.

    Args:
        dim (int, 1): the dimension of the vectors.
        eps (float, 1e-8): lower limit of the norms.
    Example:
        >>> nn.CosineSimilarity()(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[2.0, 0.0], [1.0, -1.0]]))
        tensor([1., 0.])
    """

    __constants__ = ["dim", "eps"]

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
