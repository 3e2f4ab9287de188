"""Random functions under vmap: one draw for all samples, one for each, or an error."""

import pytest

import rustorch as T
from rustorch import nn
from rustorch.func import vmap
from rustorch.nn import functional as F

B = 4


DRAWS = {
    "rand": lambda x: T.rand(64),
    "randn of a size": lambda x: T.randn((8, 8)),
    "randint": lambda x: T.randint(0, 1000, (64,)),
    "randperm": lambda x: T.randperm(64),
    "normal": lambda x: T.normal(0.0, 1.0, (64,)),
    "rand_like": lambda x: T.rand_like(x),
    "randn_like": lambda x: T.randn_like(x),
    "rand_like of a shared tensor": lambda x: T.rand_like(T.ones(64)),
    "rand by name": lambda x: T.rand(size=(64,)),
    "randint by name": lambda x: T.randint(low=0, high=1000, size=(64,)),
    "normal by name": lambda x: T.normal(mean=x, std=2.0),
    "bernoulli": lambda x: T.bernoulli(x * 0 + 0.5),
    "dropout": lambda x: F.dropout(x),
    "dropout of a shared tensor": lambda x: F.dropout(T.ones(64)),
    "dropout2d": lambda x: F.dropout2d(x.reshape(1, 64, 1, 1)),
    "uniform_": lambda x: T.empty_like(x).uniform_(),
    "normal_": lambda x: x.clone().normal_(1.0, 2.0),
    "bernoulli_": lambda x: x.clone().bernoulli_(0.5),
    "init": lambda x: nn.init.normal_(x.clone()),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x),
    "attention with dropout": lambda x: F.scaled_dot_product_attention(
        x.reshape(8, 8), x.reshape(8, 8), x.reshape(8, 8), dropout_p=0.5
    ),
    "Dropout": lambda x: nn.Dropout(0.5)(x),
}


@pytest.mark.parametrize("name", DRAWS)
def test_randomness(name):
    call, x = DRAWS[name], T.ones(B, 64)
    same = vmap(call, randomness="same")(x)
    assert all(row.equal(same[0]) for row in same)
    different = vmap(call, randomness="different")(x)
    assert not any(row.equal(different[0]) for row in different[1:])
    assert same.shape == different.shape
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        vmap(call)(x)


@pytest.mark.parametrize(("outer", "inner"), [("same", "different"), ("different", "same"), ("different", "different")])
def test_each_of_nested_vmaps_has_its_say(outer, inner):
    x = T.ones(3, 2, 64)
    drawn = vmap(vmap(lambda a: T.rand(64) + F.dropout(a), randomness=inner), randomness=outer)(x)
    assert drawn[0].equal(drawn[1]) == (outer == "same")
    assert drawn[0, 0].equal(drawn[0, 1]) == (inner == "same")


def test_the_values_are_those_of_the_whole_batch(oracle, assert_same):
    def draws(T):
        T.manual_seed(3)
        x = T.ones(B, 5)
        return [
            T.vmap(lambda a: T.randn(5), randomness="different")(x),
            T.vmap(lambda a: T.randn(5), randomness="same")(x),
            T.vmap(lambda a: T.rand_like(a), randomness="different")(x),
            T.vmap(lambda a: T.empty_like(a).normal_(), randomness="different")(x),
        ]

    assert_same(draws(T), draws(oracle))


def test_what_all_share_is_not_drawn_anew_in_place():
    with pytest.raises(RuntimeError, match="Cannot ask for different inplace randomness on an unbatched tensor"):
        vmap(lambda x: T.empty(3).normal_() + x, randomness="different")(T.ones(B, 3))


def test_multinomial():
    weights = T.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert vmap(lambda w: T.multinomial(w, 1), randomness="different")(weights).tolist() == [[1], [0]]
    with pytest.raises(RuntimeError, match="weights that all samples share"):
        vmap(lambda w: T.multinomial(w, 1), randomness="same")(weights)


def test_dropout_that_does_nothing_is_not_random():
    x = T.ones(B, 3)
    assert vmap(nn.Dropout(0.5).eval())(x).equal(x)
    assert vmap(nn.Dropout(0.0))(x).equal(x)
    assert vmap(lambda a: F.dropout2d(a.reshape(1, 3, 1, 1), training=False))(x).shape == (B, 1, 3, 1, 1)


@pytest.mark.parametrize("own", [True, False])
def test_functions_of_ones_own_draw_for_each_sample(own):
    class Noisy(T.autograd.Function):
        generate_vmap_rule = not own

        @staticmethod
        def forward(x):
            return T.bernoulli(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, g):
            return g

    if own:
        Noisy.vmap = staticmethod(lambda info, dims, x: (Noisy.apply(x), 0))
    x = T.full((100, 2), 0.5, requires_grad=True)
    y = T.vmap(Noisy.apply, randomness="different")(x)
    assert type(y) is T.Tensor and y.shape == (100, 2)
    assert 60 < y.sum() < 140
    y.sum().backward()
    assert x.grad.eq(1).all()
