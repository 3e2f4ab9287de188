"""The chi-squared distribution."""

from rustorch.distributions import constraints
from rustorch.distributions.gamma import Gamma

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of the squares of `df` standard normal numbers: `Gamma(df / 2, 1 / 2)`.

    Args:
        df (float or Tensor): degrees of freedom, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> d = torch.distributions.Chi2(torch.tensor(3.0))
        >>> d.mean, d.variance
        (tensor(3.), tensor(6.))
    """

    arg_constraints = {"df": constraints.positive}
    _batched = Gamma._batched

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self):
        """The degrees of freedom."""
        return self.concentration * 2
