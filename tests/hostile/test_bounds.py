"""Programs that once read or wrote outside of a tensor's memory. Each runs in a child process, since it may die."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import driver

FAR = 10**12


def outcomes(lines, seconds=20):
    """What each program gave, by its line; none of them may crash."""
    results = driver.run("rustorch", lines, seconds)
    crashed = [f"{line!r}: {r['crash']}" for line, r in zip(lines, results, strict=True) if "crash" in r]
    assert not crashed, "\n".join(crashed)
    return dict(zip(lines, results, strict=True))


def refused(lines, error, text=""):
    """All programs raise `error`."""
    for line, r in outcomes(lines).items():
        assert r.get("error") == error, f"{line!r}: {r}"
        assert text in r["text"], f"{line!r}: {r}"


# What reads its index tensor i again in backward: (the class of torch's error, the call).
STALE = [
    ("IndexError", "x[i]"),
    ("IndexError", "x[:, i]"),
    ("IndexError", "x[i, i]"),
    ("IndexError", "x.take(i)"),
    ("IndexError", "x.put(i, T(2))"),
    ("IndexError", "x.index_put((i,), T())"),
    ("IndexError", "torch.zeros(4, 4).index_put((i,), x[:2])"),
    ("IndexError", "torch.zeros(4, 4).index_add(0, i, x[:2])"),
    ("IndexError", "torch.zeros(4, 4).index_copy(0, i, x[:2])"),
    ("IndexError", "x.index_fill(0, i, 1.0)"),
    ("IndexError", "F.embedding(i, x)"),
    ("RuntimeError", "x.index_select(0, i)"),
    ("RuntimeError", "x.gather(1, i.view(1, 2))"),
    ("RuntimeError", "x.scatter(1, i.view(1, 2), T(1, 2))"),
    ("RuntimeError", "torch.zeros(4, 4).scatter(1, i.view(1, 2), x)"),
    ("RuntimeError", "torch.zeros(4, 4).scatter_add(1, i.view(1, 2), x)"),
    ("RuntimeError", "x.scatter_reduce(1, i.view(1, 2), T(1, 2), 'prod')"),
    ("RuntimeError", "x.scatter_reduce(1, i.view(1, 2), T(1, 2), 'mean')"),
    ("IndexError", "F.cross_entropy(x[:2], i)"),
    ("IndexError", "F.cross_entropy(x[:2], i, weight=T(4), label_smoothing=0.1)"),
    ("IndexError", "F.cross_entropy(x.view(1, 4, 2, 2), i.expand(1, 2, 2).contiguous())"),
    ("IndexError", "F.nll_loss(x[:2], i)"),
]


@pytest.mark.parametrize("far", [FAR, -FAR, 17])
def test_indices_that_numpy_changed_behind_backward_are_refused(far):
    for error in ("IndexError", "RuntimeError"):
        # The in-between copy of the labels is not theirs to change.
        cases = [c for e, c in STALE if e == error and "expand" not in c]
        refused(
            [
                f"x = T(4, 4, grad=True)\ni = torch.tensor([0, 1])\ny = {c}\ni.numpy()[0] = {far}\ny.sum().backward()"
                for c in cases
            ],
            error,
        )


def test_labels_of_images_that_numpy_changed_behind_backward_are_refused():
    lines = [
        "x = T(1, 4, 2, 2, grad=True)\ni = torch.zeros(1, 2, 2, dtype=torch.long)\n"
        f"y = F.{loss}(x, i)\ni.numpy()[0] = {FAR}\ny.backward()"
        for loss in ("cross_entropy", "nll_loss")
    ]
    refused(lines, "IndexError", f"Target {FAR} is out of bounds.")


def test_the_second_derivative_looks_at_labels_again():
    refused(
        [
            "x = T(2, 3, grad=True)\ni = torch.tensor([0, 1])\ny = F.cross_entropy(x, i)\n"
            f"i.numpy()[0] = {FAR}\ntorch.autograd.grad(y, x, create_graph=True)"
        ],
        "IndexError",
    )


def test_indices_that_an_operation_gave_away_are_looked_at_in_backward():
    calls = ["torch.sort(x)", "torch.topk(x, 2)", "x.max(0)", "x.kthvalue(2)", "x.cummax(0)", "x.mode(0)"]
    refused(
        [f"x = T(4, grad=True)\ny, i = {c}\ni.data.fill_({FAR})\ny.sum().backward()" for c in calls], "RuntimeError"
    )


RACE = """
import sys, threading
sys.setswitchinterval(1e-5)
n = 300000
a = {array}
stop = False
def write():
    while not stop:
        {change}
thread = threading.Thread(target=write)
thread.start()
try:
    for _ in range(30):
        try:
            {call}
        except (IndexError, RuntimeError):
            pass
finally:
    stop = True
    thread.join()
"""

INDEX = ("np.zeros(n, dtype=np.int64)", f"a[-1] = {FAR}; a[-1] = 0; a[n // 2] = -{FAR}; a[n // 2] = 0")
MASK = ("np.zeros(n, dtype=bool)", "a[:] = True; a[:] = False")
COUNTS = ("np.ones(n, dtype=np.int64)", "a[:] = 1000; a[:] = 1")


@pytest.mark.parametrize(
    ("memory", "call"),
    [
        (INDEX, "torch.ones(10)[torch.from_numpy(a)]"),
        (INDEX, "torch.ones(10).take(torch.from_numpy(a))"),
        (INDEX, "torch.ones(10).gather(0, torch.from_numpy(a))"),
        (INDEX, "torch.ones(10, 2).index_select(0, torch.from_numpy(a))"),
        (INDEX, "torch.ones(10).scatter_add_(0, torch.from_numpy(a), torch.ones(n))"),
        (INDEX, "torch.ones(10, 16).index_add_(0, torch.from_numpy(a), torch.ones(n, 16))"),
        (INDEX, "torch.ones(10).index_put_((torch.from_numpy(a),), torch.ones(n), accumulate=True)"),
        (INDEX, "F.cross_entropy(torch.ones(n, 2), torch.from_numpy(a))"),
        (INDEX, "F.embedding_bag(torch.from_numpy(a), torch.ones(10, 2), torch.arange(0, n, 3))"),
        (INDEX, "torch.searchsorted(torch.ones(n), torch.ones(9), sorter=torch.from_numpy(a))"),
        (MASK, "torch.from_numpy(a).nonzero()"),
        (MASK, "torch.from_numpy(a).view(-1, 10).nonzero()"),
        (MASK, "torch.ones(n).masked_select(torch.from_numpy(a))"),
        (MASK, "torch.ones(n, dtype=torch.float64).masked_select(torch.from_numpy(a))"),
        (MASK, "torch.ones(n, 2)[:, 0].masked_select(torch.from_numpy(a))"),
        (MASK, "torch.ones(n).masked_scatter_(torch.from_numpy(a), torch.ones(n // 2))"),
        (COUNTS, "torch.repeat_interleave(torch.from_numpy(a))"),
    ],
)
def test_memory_that_another_thread_changes_says_nothing_about_addresses(memory, call):
    outcomes([RACE.format(array=memory[0], change=memory[1], call=call)])


def test_pivots_that_were_changed_behind_backward_name_no_row_outside():
    outcomes(
        [
            "a = torch.eye(3) + T(3, 3)\na.requires_grad_()\nlu, p = torch.linalg.lu_factor(a)\n"
            f"p.data.fill_({far})\nlu.sum().backward()"
            for far in (2**31 - 1, -(2**31), 0)
        ]
    )


def test_counts_whose_sum_wraps_are_refused():
    lines = [
        "torch.repeat_interleave(torch.tensor([2**62] * 4 + [1]))",
        "torch.repeat_interleave(T(5), torch.tensor([2**62] * 4 + [1]))",
        "torch.repeat_interleave(torch.tensor([2**62] * 2))",
    ]
    refused(lines, "RuntimeError")


# 2^40 * 2^40 and 2^62 * 4 wrap.
WRAPPED = [
    "torch.matmul(torch.zeros(2**40, 2**40, 0), torch.zeros(0, 3))",
    "torch.einsum('abk,kc->abc', torch.zeros(2**40, 2**40, 0), torch.zeros(0, 3))",
    "torch.zeros(2**40, 2**40, 0)",
    "torch.zeros(0, 2**40, 2**40)",
    "torch.zeros(0).view(2**62, 4, 0)",
    "torch.zeros(0).reshape(2**40, 2**40, 0)",
    "torch.zeros(0).expand(2**40, 2**40, 0)",
    "torch.zeros(0).as_strided((2**40, 2**40, 0), (0, 0, 0))",
    "T(1).expand(2**40).unfold(0, 2**39, 1)",
    "torch.zeros(1, dtype=torch.complex128).expand(2**60, 1).view(torch.uint8)",
    "torch.view_as_real(torch.zeros(1, dtype=torch.complex64).expand(2**62))",
    "torch._C._nn.max_unpool2d(T(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long), [2**62 + 1, 4])",
    "torch.empty_strided((2**40, 2**40), (0, 0))",
    "torch.matmul(torch.zeros(2**32, 2**31, 0), torch.zeros(0, 3))",
    "torch.matmul(torch.zeros(2**40, 0, 2**40).transpose(1, 2), torch.zeros(0, 3))",
    "torch.einsum('abk,kc->abc', torch.zeros(2**40, 0, 2**40).transpose(1, 2), torch.zeros(0, 3))",
    "F.linear(torch.zeros(2**40, 0, 2**40).transpose(1, 2), torch.zeros(3, 0))",
    "torch.tensordot(torch.zeros(2**40, 0, 2**40), torch.zeros(0, 3), ([1], [0]))",
    "torch.zeros(2**40, 0, 2**40).sum(1)",
]


def test_extents_whose_product_wraps_are_refused():
    refused(WRAPPED, "RuntimeError", "overflow")


def test_foreign_memory_of_too_many_elements_is_refused():
    array = "class A:\n    __array_interface__ = dict(np.zeros(1).__array_interface__, shape=(2**40, 2**40), strides=(0, 0))"
    refused([f"{array}\ntorch.as_tensor(A())"], "ValueError")


def test_empty_tensors_may_have_large_extents():
    for line, r in outcomes(
        [
            "torch.zeros(2**31, 2**31, 0)",
            "torch.zeros(2**40, 0, 2**40)",
            "torch.zeros(2**62, 0)",
            "torch.zeros(0, 1).expand(0, 2**62)",
            "torch.zeros(2**31, 0).reshape(0, 2**40)",
            "torch.matmul(torch.zeros(2**20, 0, 3), torch.zeros(3, 2**20))",
        ]
    ).items():
        assert "ok" in r, f"{line!r}: {r}"


NOTHING = "m = torch.zeros((), device='meta')\n"


def test_tensors_without_memory_are_not_read():
    lines = [
        NOTHING + c
        for c in (
            "torch.zeros(()).add_(m)",
            "torch.zeros(()).lerp_(m, 0.5)",
            "torch.zeros(()).clamp_(min=m)",
            "torch.add(m, m, out=torch.zeros(()))",
            "torch.sin(m, out=torch.zeros(()))",
            "torch.gather(torch.zeros(()), 0, m.long())",
            "torch.take(torch.zeros(()), m.long())",
            "torch.zeros(()).scatter(0, m.long(), torch.ones(()))",
            "torch.zeros(()).index_fill(0, torch.zeros((), dtype=torch.long), m)",
            "torch.binomial(torch.ones(()), m)",
            "torch.zeros(()).bernoulli_(m)",
            "x = torch.zeros(3)\nx[torch.tensor([0])] = m",
            "torch.zeros(3).index_put_((torch.tensor([0]),), m)",
        )
    ]
    refused(lines, "RuntimeError")
    outcomes([NOTHING + "a = torch.zeros(())\na += m"])


def test_a_number_of_the_cpu_goes_where_the_others_are():
    lines = [
        NOTHING + c
        for c in (
            "torch.zeros(()) + m",
            "torch.zeros(()).add(m)",
            "m.add_(torch.zeros(()))",
            "torch.zeros(()) == m",
            "torch.where(torch.zeros((), dtype=torch.bool), m, m)",
            "torch.addmm(torch.zeros(()), m.expand(2, 2), m.expand(2, 2))",
            "2 * m",
        )
    ]
    for line, r in outcomes(lines).items():
        assert r.get("ok", [None])[0] == "meta", f"{line!r}: {r}"


def test_histc_with_many_bins_needs_no_more_memory_than_they_do():
    (r,) = outcomes(["torch.histc(torch.arange(2e6), bins=4000000).sum()"]).values()
    assert float(r["ok"][3][0]) == 2e6


def test_foreign_memory_is_not_seen_as_a_dtype_that_it_is_not_aligned_for():
    refused(["torch.from_numpy(np.zeros(17, np.uint8)[1:]).view(torch.float64)"], "RuntimeError", "aligned to 8 bytes")
