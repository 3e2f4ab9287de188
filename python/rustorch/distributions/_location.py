"""What families with a parameter `loc` share."""

from rustorch.distributions import constraints
from rustorch.distributions.utils import broadcast_all


class AtLoc:
    """Families whose mean and mode is `loc`."""

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc


class LocationScale(AtLoc):
    """Families of `loc + scale * Z`, for a real number Z that is distributed symmetrically about 0."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)
