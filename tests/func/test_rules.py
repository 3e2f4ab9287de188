"""Every batching rule gives what the operation gives on one sample after the other."""

import types
import warnings

import pytest
from optable import CASES

import rustorch as T
from rustorch.func import _levels, _rules, grad, vmap
from rustorch.func._rules.random import RANDOM
from rustorch.func._trees import flatten, unflatten

_rules.load()

# Operations of the first tier of programs for language (names counted in public repositories), in torch's spelling.
TIER_1 = """
    cat zeros ones tensor arange manual_seed stack nn.functional.softmax randn from_numpy zeros_like exp log empty
    nn.functional.relu rand sqrt sum where ones_like sigmoid clamp randint mean matmul nn.functional.cross_entropy tanh
    nn.functional.pad max nn.functional.interpolate full argmax abs linspace nn.functional.log_softmax randperm
    randn_like sin cos einsum as_tensor min multinomial topk nn.functional.one_hot softmax pow is_tensor
    nn.functional.linear eye mm nn.functional.binary_cross_entropy_with_logits isnan nn.functional.mse_loss meshgrid sort
    nn.functional.softplus nn.functional.dropout split flatten nn.functional.conv2d all gather nn.functional.gelu
    nn.functional.scaled_dot_product_attention norm nn.functional.silu bmm cumsum nn.functional.l1_loss tril equal
    nn.functional.normalize empty_like nn.functional.avg_pool2d rsqrt repeat_interleave flip nn.functional.sigmoid triu
    full_like nn.functional.max_pool2d add mul sign unsqueeze chunk nn.functional.nll_loss is_floating_point unique
    nn.functional.layer_norm any div floor relu isfinite diag argsort nonzero roll round maximum cdist square outer
    index_select normal view_as_real clip nn.functional.logsigmoid reshape transpose isinf allclose prod unbind concat
    nn.functional.conv1d nn.functional.leaky_relu nn.functional.adaptive_avg_pool2d nan_to_num bincount linalg.norm
    rand_like squeeze searchsorted dot expm1 argmin bernoulli nn.functional.kl_div linalg.vector_norm view_as_complex
    hann_window nn.functional.grid_sample ceil log2 log_softmax addmm nn.functional.binary_cross_entropy
    nn.functional.conv_transpose2d Tensor.item Tensor.sum Tensor.to Tensor.shape Tensor.view Tensor.size Tensor.mean
    Tensor.backward Tensor.float Tensor.data Tensor.device Tensor.unsqueeze Tensor.split Tensor.detach Tensor.reshape
    Tensor.cpu Tensor.contiguous Tensor.transpose Tensor.max Tensor.tolist Tensor.numpy Tensor.clone Tensor.requires_grad
    Tensor.dtype Tensor.squeeze Tensor.flatten Tensor.numel Tensor.type Tensor.ndim Tensor.long Tensor.cuda
    Tensor.permute Tensor.argmax Tensor.repeat Tensor.expand Tensor.copy_ Tensor.exp Tensor.fill_ Tensor.add Tensor.pow
    Tensor.grad Tensor.dim Tensor.masked_fill Tensor.clamp Tensor.mul_ Tensor.abs Tensor.t Tensor.T Tensor.norm
    Tensor.log Tensor.zero_ Tensor.min Tensor.type_as Tensor.all Tensor.uniform_ Tensor.requires_grad_ Tensor.any
    Tensor.std Tensor.add_ Tensor.gather Tensor.sqrt Tensor.sort Tensor.topk Tensor.eq Tensor.div Tensor.expand_as
    Tensor.bool Tensor.nonzero Tensor.softmax Tensor.mul Tensor.sigmoid Tensor.normal_ Tensor.is_cuda Tensor.double
    Tensor.mode Tensor.sin Tensor.cos Tensor.cumsum Tensor.view_as Tensor.clamp_ Tensor.int Tensor.var Tensor.chunk
    Tensor.unbind Tensor.div_ Tensor.stride Tensor.new_zeros Tensor.masked_fill_ Tensor.index_select Tensor.flip
    Tensor.scatter_ Tensor.repeat_interleave Tensor.matmul Tensor.sub Tensor.scatter Tensor.sub_ Tensor.unfold
    Tensor.narrow Tensor.round Tensor.half Tensor.is_floating_point Tensor.tanh Tensor.square Tensor.put Tensor.new_ones
    Tensor.ne Tensor.unique Tensor.element_size Tensor.data_ptr Tensor.prod Tensor.detach_ Tensor.floor Tensor.rsqrt
    Tensor.clip Tensor.select Tensor.new_full Tensor.argsort Tensor.new_empty Tensor.is_sparse Tensor.amax
    Tensor.nelement Tensor.real Tensor.reshape_as Tensor.isnan Tensor.nbytes Tensor.new Tensor.log_softmax
    Tensor.absolute Tensor.register_hook Tensor.clamp_min Tensor.ceil Tensor.scatter_add_ Tensor.byte
    Tensor.is_contiguous Tensor.neg Tensor.ravel Tensor.tile Tensor.dot Tensor.triu Tensor.triu_ Tensor.mm Tensor.median
    Tensor.gt Tensor.addcmul_ Tensor.resize_ Tensor.bernoulli_ Tensor.index_add_ Tensor.mT Tensor.pin_memory
    Tensor.unsqueeze_ Tensor.logsumexp Tensor.amin Tensor.bmm Tensor.squeeze_ Tensor.tril Tensor.mv Tensor.swapaxes
    Tensor.__getitem__ Tensor.__setitem__
"""
NO_TENSORS = "zeros ones arange from_numpy empty linspace eye hann_window manual_seed is_tensor"
# Operations without a rule, and why.
WITHOUT = {
    **dict.fromkeys(NO_TENSORS.split(), "no argument is a tensor of the batch"),
    "bincount": "the length of the result depends on the largest number of each sample",
}


def resolve(name):
    found = T
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", TIER_1.split())
def test_every_operation_of_the_first_tier_has_a_rule(name):
    func, leaf = resolve(name), name.rpartition(".")[2]
    if name.startswith("Tensor.") and leaf in vars(_levels.Batched):
        return
    if isinstance(func, types.FunctionType):
        # Its body runs on batched tensors.
        return
    row, in_place = _rules.name_of(func) if callable(func) else (f".{leaf}", False)
    ruled = {row, f"{row}_"} & {*_rules.RULES, *RANDOM} if in_place else {row} & {*_rules.RULES, *RANDOM}
    assert bool(ruled) != (name in WITHOUT)


B = 3
# Aspects in which a sample's result is not a function of that sample's values, or has no shape of its own.
SKIP = {
    **dict.fromkeys(("empty_like", "new_empty", "new_empty_strided"), "memory that nothing is written to"),
    **dict.fromkeys(
        ("nonzero", "argwhere", "unique", "_unique2", "unique_dim", "unique_consecutive", "masked_select"),
        "the shape depends on the values",
    ),
    **dict.fromkeys(("allclose", "equal", "is_nonzero"), "the result is one bool"),
    **dict.fromkeys(RANDOM, "random: see test_random.py"),
    "embedding_bag": "flipped offsets are none",
}
# Samples of these whose results have a shape that depends on values: with masks as indices, without a number of classes.
DATA_SHAPED = {
    **dict.fromkeys(("index_put", "index_put_"), lambda sample: any(x.dtype == "bool" for x in sample.tensors)),
    "one_hot": lambda sample: -1 in (*sample.args[1:], sample.kwargs.get("num_classes", -1 * (len(sample.args) < 2))),
}
# These take sorted numbers, which flipping would spoil.
AS_IT_IS = ("searchsorted", "bucketize")
WALKED = [case for case in CASES if case.name not in SKIP]


def samples_of(x, count, keep):
    """So many tensors like `x`: others of the same values, so that they stay in the operation's domain."""
    other = x if keep or not x.dim() else x.flip(tuple(range(x.dim())))
    return T.stack([x, other, x][:count])


def stacked(results):
    if isinstance(results[0], T.Tensor):
        return T.stack(results)
    return [stacked(list(column)) for column in zip(*results, strict=True)]


def assert_equal(actual, expected):
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_equal(a, e)
        return
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    T.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6, equal_nan=True)


def calls(case):
    """For each sample input that has tensors: the call as a function of its tensors, and those."""
    function = case.function(T)
    for sample in case.samples:
        if case.name in DATA_SHAPED and DATA_SHAPED[case.name](sample):
            continue
        for dtype in ("float64", "int64", "bool", "complex128"):
            args, kwargs = sample.make(T, dtype)
            try:
                function(*args, **kwargs)
            except (RuntimeError, NotImplementedError, TypeError, IndexError):
                continue
            args, kwargs = sample.make(T, dtype)
            leaves, spec = flatten((list(args), dict(kwargs)))
            at = [i for i, leaf in enumerate(leaves) if isinstance(leaf, T.Tensor)]
            if at:
                yield call_of(function, leaves, spec, at), [leaves[i] for i in at]
            break


def call_of(function, leaves, spec, at):
    def call(*tensors):
        given = list(leaves)
        for i, tensor in zip(at, tensors, strict=True):
            given[i] = tensor
        args, kwargs = unflatten(given, spec)
        return function(*args, **kwargs)

    return call


def mixes(tensors, in_place):
    """The in_dims to try: the first dim, the last, and every tensor on its own."""
    count = len(tensors)
    yield (0,) * count
    yield (-1,) * count
    if count > 1:
        for i in range(1 if in_place else count):
            yield tuple(0 if i == j else None for j in range(count))


@pytest.fixture(autouse=True)
def quiet():
    """Nothing is said of operations that run sample by sample, nor of what their samples do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def batches(tensors, mix, keep):
    made = [x.clone() if d is None else samples_of(x, B, keep) for x, d in zip(tensors, mix, strict=True)]
    return [x if d is None else x.movedim(0, d) for x, d in zip(made, mix, strict=True)]


def one_of(batch, mix, i):
    return [x.clone() if d is None else x.select(d, i).clone() for x, d in zip(batch, mix, strict=True)]


@pytest.mark.parametrize("case", WALKED, ids=repr)
def test_a_batch_gives_what_its_samples_give(case):
    for call, tensors in calls(case):
        for mix in mixes(tensors, case.name.endswith("_")):
            batch = batches(tensors, mix, case.name in AS_IT_IS)
            expected = stacked([call(*one_of(batch, mix, i)) for i in range(B)])
            assert_equal(vmap(call, in_dims=mix)(*batch), expected)


@pytest.mark.parametrize("case", WALKED, ids=repr)
def test_a_batch_of_batches_gives_what_its_samples_give(case):
    for call, tensors in calls(case):
        count = len(tensors)
        inner = tuple(None if j % 2 and not case.name.endswith("_") else 0 for j in range(count))
        keep = case.name in AS_IT_IS
        rows = [x if d is None else samples_of(x, 2, keep) for x, d in zip(tensors, inner, strict=True)]
        batch = [samples_of(x, B, keep) for x in rows]
        expected = stacked(
            [stacked([call(*one_of(one_of(batch, (0,) * count, i), inner, j)) for j in range(2)]) for i in range(B)]
        )
        assert_equal(vmap(vmap(call, in_dims=inner))(*batch), expected)


DIFFERENTIABLE = [case for case in WALKED if case.grad and "grad" not in case.skip]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=repr)
def test_gradients_of_a_batch_are_those_of_its_samples(case):
    for call, tensors in calls(case):
        real = tuple(i for i, x in enumerate(tensors) if x.is_floating_point())
        if not real:
            continue

        def total(*given, call=call):
            result = call(*[x.clone() for x in given])
            return sum(y.sum() for y in flatten(result)[0] if isinstance(y, T.Tensor) and y.is_floating_point())

        keep = case.name in AS_IT_IS
        for mix in ((0,) * len(tensors), (0,) + (None,) * (len(tensors) - 1)):
            batch = batches(tensors, mix, keep)
            derivative = grad(total, argnums=real)
            try:
                expected = stacked([derivative(*one_of(batch, mix, i)) for i in range(B)])
            except (RuntimeError, AttributeError):
                # Without real results, or without a derivative for these arguments.
                continue
            assert_equal(vmap(derivative, in_dims=mix)(*batch), expected)


def test_the_table_names_operations_that_exist():
    rows = {row["name"] for row in T._C._schemas()}
    named = {name.lstrip(".") for name in _rules.RULES if isinstance(name, str)} - rows
    named = {name for name in named if name.removesuffix("_") not in rows}
    places = (T, T.Tensor)
    assert [name for name in sorted(named) if not any(hasattr(place, name) for place in places)] == []
    written_here = [n for n in named if all(isinstance(getattr(p, n, len), types.FunctionType) for p in places)]
    # Of functions written in Python the bodies run: a rule by their name would never be asked.
    assert written_here == []
