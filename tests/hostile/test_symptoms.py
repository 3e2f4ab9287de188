"""One test for each kind of trouble that the fuzzer found."""

import sys
from pathlib import Path

import pytest

import rustorch as torch
from rustorch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

BIG = 2**40


def test_ints_beyond_64_bits_are_errors_of_their_own():
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        x.sum(2**64)
    with pytest.raises(OverflowError, match="int too big to convert"):
        x.add(2**64)
    with pytest.raises(OverflowError, match="can't convert negative int to unsigned"):
        x + (-(2**64))
    with pytest.raises(OverflowError, match="int too large to convert to float"):
        x.normal_(10**400)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        torch.tensor(2**64)


def test_ints_between_2_63_and_2_64_do_not_become_negative():
    assert (torch.zeros(1) + 2**63).item() == 2.0**63
    assert not torch.ones(1).ge(2**63).item()
    assert torch.zeros(1, dtype=torch.uint64).fill_(2**63 + 1).item() == 2**63 + 1


@pytest.mark.parametrize(
    "call",
    [
        lambda x, m: torch.isin(x, m),
        lambda x, m: torch.isin(m, x),
        lambda x, m: x.bernoulli_(m),
        lambda x, m: torch.binomial(x, m),
        lambda x, m: torch.take(x, m.long()),
        lambda x, m: x[m.long()],
        lambda x, m: torch.instance_norm(m.expand(2, 3), x, x, x, x, True, 0.1, 1e-5, False),
    ],
)
def test_tensors_of_two_devices_are_refused(call):
    with pytest.raises(RuntimeError, match=r"device|meta"):
        call(torch.ones(3), torch.ones(3, device="meta"))


@pytest.mark.parametrize("out", [(), [], [torch.ones(2)], (torch.ones(2), torch.ones(2)), 1, "x"])
def test_out_must_be_as_many_tensors_as_are_returned(out):
    with pytest.raises(TypeError, match="argument 'out' must be Tensor"):
        torch.sin(torch.ones(2), out=out)


@pytest.mark.parametrize("view", [lambda x: x.t(), lambda x: x[1:], lambda x: x.view(-1)])
def test_out_that_overlaps_an_input_is_refused(view):
    x = torch.ones(3, 3)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        torch.sin(x, out=view(x))
    assert torch.sin(x, out=x) is x


def test_out_that_cannot_be_written_is_refused():
    with torch.inference_mode():
        inferred = torch.ones(2)
    for out in (inferred, torch.ones(1).expand(2)):
        with pytest.raises(RuntimeError, match=r"[Ii]nplace update|single memory location"):
            torch.sin(torch.ones(2), out=out)
    with pytest.raises(RuntimeError, match="Attempting to copy from device cpu to device meta"):
        torch.tril(torch.ones(2, 2), out=torch.ones(2, 2, device="meta"))


def test_an_attention_mask_that_does_not_broadcast_is_not_read():
    q, k = torch.ones(2, 3, 4), torch.ones(2, 5, 4)
    for mask in (torch.ones(4, 4), torch.ones(3, 4), torch.ones(1, 1, 1, 3, 5)):
        with pytest.raises(RuntimeError, match=r"must match the size|doesn't match the broadcast shape"):
            F.scaled_dot_product_attention(q, k, k, attn_mask=mask)


@pytest.mark.parametrize("size", [5, 40, 103])
def test_a_convolution_whose_taps_lie_far_apart_writes_its_output_alone(size):
    x, w = torch.ones(1, 2, size, size), torch.ones(4, 2, 3, 3)
    y = F.conv2d(x, w, padding=size, dilation=size)
    assert y.shape == (1, 4, size, size)
    assert (y == 2).all(), "the middle tap alone meets the image"


def test_float_labels_are_not_read_as_ints():
    with pytest.raises(RuntimeError, match="expected scalar type Long but found Float"):
        F.multi_margin_loss(torch.ones(5, 4), torch.ones(5))
    with pytest.raises(RuntimeError, match="expected scalar type Long but found Float"):
        F.multilabel_margin_loss(torch.ones(5, 4), torch.ones(5, 4))


@pytest.mark.parametrize(
    "call",
    [
        lambda: F.interpolate(torch.ones(1, 2, 4, 4), scale_factor=float("inf")),
        lambda: F.interpolate(torch.ones(1, 2, 4, 4), size=BIG),
        lambda: F.pad(torch.ones(1, 2, 4), (BIG, BIG), mode="replicate"),
        lambda: F.pad(torch.ones(1, 2, 4), (2**62, 2**62), mode="replicate"),
        lambda: F.pad(torch.ones(2, 3), (2**63 - 1, 2**63 - 1)),
        lambda: F.pixel_shuffle(torch.ones(1, 4, 2, 2), 2**33),
        lambda: F.pixel_unshuffle(torch.ones(1, 4, 2, 2), 2**33),
        lambda: F.fold(torch.ones(1, 8, 9), (4, 4), (2**32, 2**32)),
        lambda: F.unfold(torch.ones(1, 2, 4, 4), 2, padding=2**62),
        lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(4, 2, 3, 3), padding=2**62),
        lambda: F.conv_transpose2d(torch.ones(1, 2, 5, 5), torch.ones(2, 4, 3, 3), stride=2**62),
        lambda: F.max_pool2d(torch.ones(1, 2, 5, 5), 2, dilation=2**62),
        lambda: torch.triu_indices(2**62, 2**62),
        lambda: torch.tril_indices(BIG, BIG),
        lambda: torch.ones(3).repeat(2**62, 2**62),
        lambda: torch.ones(1).expand(BIG, BIG),
        lambda: torch.ones(()).expand(BIG, BIG),
        lambda: torch.ones(1).as_strided((BIG, BIG), (0, 0)),
        lambda: torch.arange(2**62),
    ],
)
def test_absurd_sizes_are_refused_at_once(call):
    with pytest.raises((RuntimeError, ValueError)) as e:
        call()
    assert "internal error" not in str(e.value)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_a_lack_of_memory_for_many_views_is_an_error():
    import driver

    lines = ["torch.tensor_split(T(3), 2**31 - 1)", "torch.empty(2**40, 0, 2**40).split(3)", "T(0).chunk(2**40)"]
    for outcome in driver.run("rustorch", lines):
        assert outcome.get("error") == "OutOfMemoryError"


@pytest.mark.skipif(sys.platform == "win32", reason="the child process limits itself by means of POSIX")
def test_an_expanded_tensor_of_2_62_elements_has_small_partial_sums():
    import driver

    (outcome,) = driver.run("rustorch", ["T(1).expand(2**62).sum()"], seconds=1)
    assert "no answer in time" in outcome["crash"], "it takes years, but no memory"


def test_strides_of_dims_with_one_element_may_be_absurd():
    x = torch.ones(1).as_strided((1, 1), (2**62, 2**62))
    assert x.min().item() == 1
    assert x.nanmedian().item() == 1
    assert x.unique().tolist() == [1]
    assert torch.empty(0, 2**40).sum(1).shape == (0,)


def test_masks_of_dims_end_at_64():
    x = torch.ones([1] * 65)
    with pytest.raises(RuntimeError, match="only tensors with up to 64 dims are supported"):
        x.sum(0)
    assert x.sum().item() == 1
    assert x.movedim(0, 64).shape == (1,) * 65


def test_a_node_called_by_hand_checks_its_arguments():
    x = torch.ones(2, requires_grad=True)
    node = (x * 2).grad_fn
    assert node(torch.ones(2))[0].tolist() == [2, 2]
    for args in ((), (torch.ones(2), torch.ones(2)), ("x",)):
        with pytest.raises(TypeError):
            node(*args)


def test_hooks_for_saved_tensors_must_be_callable():
    with pytest.raises(TypeError, match="expected a callable"):
        torch.autograd.graph.saved_tensors_hooks(1, 2).__enter__()
    assert (torch.ones(2, requires_grad=True).exp().sum()).requires_grad


def test_a_view_made_a_leaf_is_protected_like_a_leaf():
    x = torch.ones(6).view(2, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0] = 1


def test_numbers_are_not_made_from_any_object_with_an_index():
    class One:
        def __index__(self):
            return 1

    for call in (lambda: torch.ones(2, 2).transpose(One(), 0), lambda: torch.ones(2).add(1.5, alpha=One())):
        with pytest.raises(TypeError):
            call()
    assert torch.zeros(One()).shape == (1,)


def test_creation_takes_the_dtype_of_its_out():
    out = torch.ones(2, dtype=torch.int64)
    assert torch.zeros(2, out=out) is out
    assert out.tolist() == [0, 0]
