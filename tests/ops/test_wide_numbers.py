"""Python ints from 2^63 to 2^64 - 1: integers that int64 lacks room for."""

import pytest

import rustorch as torch

BIG = 2**63


def same(oracle, code):
    outcomes = []
    for library in (torch, oracle):
        try:
            r = eval(code, {"torch": library, "BIG": BIG})
            outcomes.append((str(r.dtype), r.tolist()))
        except Exception as e:
            outcomes.append((type(e).__name__, str(e).split("\n")[0]))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "code",
    [
        "torch.full((2,), BIG)",
        "torch.full((2,), BIG, dtype=torch.float32)",
        "torch.full((2,), 2**64 - 1, dtype=torch.uint64)",
        "torch.full((2,), 2**64)",
        "torch.arange(3) + BIG",
        "torch.arange(3.0) + BIG",
        "BIG - torch.arange(3)",
        "torch.arange(3) == BIG",
        "torch.arange(3.0) < BIG",
        "torch.arange(3) * 2**64",
        "torch.arange(3).clamp(max=BIG)",
        "torch.arange(3.0).clamp(max=BIG)",
        "torch.arange(3).fill_(BIG)",
        "torch.arange(3.0).fill_(BIG)",
        "torch.arange(3, dtype=torch.int32).fill_(BIG)",
        "torch.arange(2).masked_fill(torch.tensor([True, False]), BIG)",
        "torch.ones(2).masked_fill(torch.tensor([True, False]), BIG)",
        "torch.arange(2).index_fill(0, torch.tensor([0]), BIG)",
        "torch.arange(BIG)",
        "torch.arange(BIG - 1, BIG)",
        "torch.arange(0, BIG, 2**62, dtype=torch.float32)",
        "torch.linspace(0, BIG, 3)",
        "torch.scalar_tensor(BIG)",
        "torch.ones(2, dtype=torch.complex64) + BIG",
        "torch.pow(BIG, torch.arange(2))",
        "torch.pow(torch.arange(2.0), BIG)",
        "torch.add(torch.arange(3.0), 1, alpha=BIG)",
        "torch.float_power(BIG, torch.arange(2))",
        "torch.isin(torch.arange(3), BIG)",
        "torch.tensor(BIG)",
        "torch.tensor(BIG, dtype=torch.float32)",
    ],
)
def test_they_stay_integers(oracle, code):
    same(oracle, code)


def test_uint64_takes_floats_beyond_int64():
    x = torch.zeros(2, dtype=torch.uint64)
    assert x.fill_(1e19).tolist() == [10**19] * 2
    assert torch.full((1,), 2.0**63, dtype=torch.uint64).item() == 2**63
