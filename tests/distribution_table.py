"""One row per distribution: how to make it, in either library. The tests in distributions/ draw from it."""

import math

# D is the module of distributions, t makes a tensor of the case's dtype. Two batches or more, and a scalar where that is
# another road.
CASES = {
    "Bernoulli": lambda D, t: D.Bernoulli(t([[0.2, 0.7], [0.5, 0.9]])),
    "Bernoulli, logits": lambda D, t: D.Bernoulli(logits=t([-1.0, 0.5, 30.0])),
    "Bernoulli, ends": lambda D, t: D.Bernoulli(t([0.0, 1.0])),
    "Beta": lambda D, t: D.Beta(t([0.5, 2.0, 3.0]), t([1.5, 2.5, 0.7])),
    "Binomial": lambda D, t: D.Binomial(10, t([0.2, 0.7])),
    "Binomial, logits": lambda D, t: D.Binomial(t([5.0, 5.0]), logits=t([0.3, -2.0])),
    "Categorical": lambda D, t: D.Categorical(t([[0.2, 0.3, 0.5], [4.0, 1.0, 1.0]])),
    "Categorical, logits": lambda D, t: D.Categorical(logits=t([0.2, -1.0, 0.5])),
    "Cauchy": lambda D, t: D.Cauchy(t([0.5, -1.0]), t([1.0, 2.0])),
    "Chi2": lambda D, t: D.Chi2(t([1.0, 3.0, 0.5])),
    "ContinuousBernoulli": lambda D, t: D.ContinuousBernoulli(t([0.2, 0.5, 0.4995, 0.9])),
    "ContinuousBernoulli, logits": lambda D, t: D.ContinuousBernoulli(logits=t([-2.0, 0.001, 3.0])),
    "Dirichlet": lambda D, t: D.Dirichlet(t([[0.5, 2.0, 3.0], [0.3, 0.2, 0.4]])),
    "Exponential": lambda D, t: D.Exponential(t([0.5, 2.0])),
    "FisherSnedecor": lambda D, t: D.FisherSnedecor(t([1.0, 3.0, 5.0]), t([2.0, 3.0, 6.0])),
    "Gamma": lambda D, t: D.Gamma(t([0.3, 1.0, 2.0, 30.0]), t([1.0, 2.0, 0.5, 3.0])),
    "GeneralizedPareto": lambda D, t: D.GeneralizedPareto(
        t([0.0, 1.0, -1.0, 2.0]), t([1.0, 2.0, 0.5, 1.0]), t([0.25, 0.0, -0.5, 1.5])
    ),
    "Geometric": lambda D, t: D.Geometric(t([0.2, 0.7])),
    "Geometric, logits": lambda D, t: D.Geometric(logits=t([0.2, -0.7])),
    "Gumbel": lambda D, t: D.Gumbel(t([0.5, -1.0]), t([1.0, 2.0])),
    "HalfCauchy": lambda D, t: D.HalfCauchy(t([1.0, 2.0])),
    "HalfNormal": lambda D, t: D.HalfNormal(t([1.0, 2.0])),
    "Independent": lambda D, t: D.Independent(D.Normal(t([[0.5, -1.0], [0.0, 1.0]]), t([1.0, 2.0])), 1),
    "Independent of none": lambda D, t: D.Independent(D.Bernoulli(t([0.2, 0.5])), 0),
    "InverseGamma": lambda D, t: D.InverseGamma(t([0.5, 1.5, 3.0]), t([1.0, 2.0, 0.5])),
    "Kumaraswamy": lambda D, t: D.Kumaraswamy(t([0.5, 2.0, 3.0]), t([1.5, 2.5, 0.7])),
    "Laplace": lambda D, t: D.Laplace(t([0.5, -1.0]), t([1.0, 2.0])),
    "LKJCholesky": lambda D, t: D.LKJCholesky(3, t([0.5, 1.0, 4.0])),
    "LogNormal": lambda D, t: D.LogNormal(t([0.5, -1.0]), t([1.0, 0.5])),
    "LogisticNormal": lambda D, t: D.LogisticNormal(t([[0.5, -1.0], [0.0, 1.0]]), t([1.0, 0.5])),
    "LowRankMultivariateNormal": lambda D, t: D.LowRankMultivariateNormal(
        t([[0.0, 1.0, -1.0], [1.0, 1.0, 1.0]]), t([[1.0, 0.2], [0.5, 1.0], [0.1, 0.3]]), t([1.0, 2.0, 0.5])
    ),
    "MixtureSameFamily": lambda D, t: D.MixtureSameFamily(
        D.Categorical(t([0.3, 0.7])), D.Normal(t([-1.0, 1.0]), t([0.5, 1.0]))
    ),
    "MixtureSameFamily of vectors": lambda D, t: D.MixtureSameFamily(
        D.Categorical(t([[0.3, 0.7], [0.5, 0.5]])),
        D.Independent(D.Normal(t([[[-1.0, 1.0], [0.0, 2.0]]] * 2), t([0.5, 1.0])), 1),
    ),
    "Multinomial": lambda D, t: D.Multinomial(6, t([[0.2, 0.3, 0.5], [4.0, 1.0, 1.0]])),
    "Multinomial, logits": lambda D, t: D.Multinomial(4, logits=t([0.2, -math.inf, 0.5])),
    "MultivariateNormal": lambda D, t: D.MultivariateNormal(
        t([[0.0, 1.0], [1.0, -1.0]]), covariance_matrix=t([[2.0, 0.5], [0.5, 1.0]])
    ),
    "MultivariateNormal, precision": lambda D, t: D.MultivariateNormal(
        t([0.0, 1.0]), precision_matrix=t([[[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 3.0]]])
    ),
    "MultivariateNormal, scale_tril": lambda D, t: D.MultivariateNormal(
        t([0.0, 1.0]), scale_tril=t([[2.0, 0.0], [0.5, 1.0]])
    ),
    "NegativeBinomial": lambda D, t: D.NegativeBinomial(t([3.0, 0.5]), t([0.2, 0.7])),
    "NegativeBinomial, logits": lambda D, t: D.NegativeBinomial(4, logits=t([0.2, -1.0])),
    "Normal": lambda D, t: D.Normal(t([[0.5, -1.0]]), t([[1.0], [2.0], [0.1]])),
    "Normal of numbers": lambda D, t: D.Normal(0.5, 2),
    "OneHotCategorical": lambda D, t: D.OneHotCategorical(t([[0.2, 0.3, 0.5], [4.0, 1.0, 1.0]])),
    "OneHotCategoricalStraightThrough": lambda D, t: D.OneHotCategoricalStraightThrough(logits=t([0.2, -1.0, 0.5])),
    "Pareto": lambda D, t: D.Pareto(t([1.0, 0.5, 2.0]), t([0.5, 1.5, 3.0])),
    "Poisson": lambda D, t: D.Poisson(t([0.5, 4.0, 30.0])),
    "RelaxedBernoulli": lambda D, t: D.RelaxedBernoulli(t(0.7), t([0.2, 0.5, 0.9])),
    "RelaxedBernoulli, logits": lambda D, t: D.RelaxedBernoulli(t([0.7]), logits=t([0.2, -0.5, 0.9])),
    "RelaxedOneHotCategorical": lambda D, t: D.RelaxedOneHotCategorical(t(0.7), t([[0.2, 0.3, 0.5], [4.0, 1.0, 1.0]])),
    "StudentT": lambda D, t: D.StudentT(t([0.5, 1.5, 3.0]), t([0.0, 1.0, 2.0]), t([1.0, 2.0, 0.5])),
    "TransformedDistribution": lambda D, t: D.TransformedDistribution(
        D.Normal(t([0.5, -1.0]), t([1.0, 2.0])), [D.SigmoidTransform(), D.AffineTransform(1.0, -2.0)]
    ),
    "TransformedDistribution, wider": lambda D, t: D.TransformedDistribution(
        D.Normal(t(0.5), t(1.0)), [D.AffineTransform(t([1.0, 2.0]), t([0.5, 2.0])), D.ExpTransform()]
    ),
    "Uniform": lambda D, t: D.Uniform(t([0.5, -1.0]), t([1.0, 2.0])),
    "VonMises": lambda D, t: D.VonMises(t([0.5, -1.0, 3.0]), t([0.1, 2.0, 20.0])),
    "Weibull": lambda D, t: D.Weibull(t([1.0, 2.0]), t([0.7, 3.0])),
    "Wishart": lambda D, t: D.Wishart(t([3.0, 5.0]), covariance_matrix=t([[2.0, 0.5], [0.5, 1.0]])),
    "Wishart, precision": lambda D, t: D.Wishart(t(4.0), precision_matrix=t([[2.0, 0.5], [0.5, 1.0]])),
}


# Their samples hold gamma variates, whose derivative by the shape parameter torch approximates: up to 8e-4 off, relative to
# differences of quantiles (scipy's gammaincinv) for shapes from 0.02 to 400.
OF_GAMMA = {"Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT", "Wishart"}


def family(name):
    """The class of a case."""
    return name.split(",")[0].split(" of ")[0]


class Maker:
    """Makes tensors for a case, and remembers them to differentiate by."""

    def __init__(self, T, dtype="float64", requires_grad=False):
        self.T, self.dtype, self.requires_grad = T, dtype, requires_grad
        self.made = []

    def __call__(self, value):
        x = self.T.tensor(value, dtype=getattr(self.T, self.dtype), requires_grad=self.requires_grad)
        self.made.append(x)
        return x


def make(T, name, dtype="float64", requires_grad=False):
    """A distribution and the tensors that it was made of."""
    maker = Maker(T, dtype, requires_grad)
    return CASES[name](T.distributions, maker), maker.made
