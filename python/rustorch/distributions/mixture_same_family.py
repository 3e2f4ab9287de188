"""Mixtures of distributions of one family."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.categorical import Categorical
from rustorch.distributions.constraints import MixtureSameFamilyConstraint
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A draw of one of k components, with given probabilities.

    Args:
        mixture_distribution (Categorical): over the k components.
        component_distribution (Distribution): its last batch dim, of size k, counts them.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: if the classes, batch shapes or numbers of components do not fit.
    Example:
        >>> from rustorch.distributions import Categorical, MixtureSameFamily, Normal
        >>> d = MixtureSameFamily(Categorical(torch.ones(2)), Normal(torch.tensor([-1.0, 1.0]), torch.ones(2)))
        >>> d.mean, d.variance
        (tensor(0.), tensor(2.))
    """

    arg_constraints = {}
    has_rsample = False
    _batched = ("_mixture_distribution", "_component_distribution")
    _kept = ("_num_component", "_event_ndims")

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical\n"
                f"  MixtureSameFamily: expected a Categorical, but got {type(mixture_distribution).__name__}. "
                "Pass Categorical(probs)."
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution\n"
                f"  MixtureSameFamily: expected a Distribution, but got {type(component_distribution).__name__}. "
                "Pass one whose last batch dim counts the components."
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        mixtures = mixture_distribution.batch_shape
        batch_shape = component_distribution.batch_shape[:-1]
        if any(i != j and 1 not in (i, j) for i, j in zip(reversed(mixtures), reversed(batch_shape))):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({mixtures}) is not compatible with "
                f"`component_distribution.batch_shape`({batch_shape})\n"
                "  MixtureSameFamily: expected shapes that broadcast. Expand one of them."
            )
        k, components = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if k != components:
            raise ValueError(
                f"`mixture_distribution component` ({k}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})\n"
                "  MixtureSameFamily: expected as many probabilities as components. Change one of them."
            )
        self._num_component = k
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch_shape=batch_shape, event_shape=event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self):
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self):
        """The distribution over components."""
        return self._mixture_distribution

    @property
    def component_distribution(self):
        """The components."""
        return self._component_distribution

    def _mixed(self, moment):
        """The mean over components."""
        probs = self._pad_mixture_dimensions(self._mixture_distribution.probs)
        return (probs * moment).sum(-1 - self._event_ndims)

    @property
    def mean(self):
        return self._mixed(self._component_distribution.mean)

    @property
    def variance(self):
        component = self._component_distribution
        return self._mixed(component.variance) + self._mixed((component.mean - self._pad(self.mean)).pow(2.0))

    def cdf(self, x):
        return (self._component_distribution.cdf(self._pad(x)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        if self._validate_args:
            self._validate_sample(x)
        log_weights = rustorch.log_softmax(self._mixture_distribution.logits, dim=-1)
        return rustorch.logsumexp(self._component_distribution.log_prob(self._pad(x)) + log_weights, dim=-1)

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self._mixture_distribution.sample(sample_shape)
            samples = self._component_distribution.sample(sample_shape)  # (*samples, *batch, k, *event)
            chosen = chosen.reshape(chosen.shape + (1,) * (1 + self._event_ndims))
            chosen = chosen.expand(samples.shape[:dim] + (1,) + self._event_shape)
            return samples.gather(dim, chosen).squeeze(dim)

    def _pad(self, x):
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x):
        mixtures = len(self._mixture_distribution.batch_shape)
        missing = 0 if mixtures == 1 else len(self.batch_shape) - mixtures
        return x.reshape(x.shape[:-1] + (1,) * missing + x.shape[-1:] + (1,) * self._event_ndims)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
