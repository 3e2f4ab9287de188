"""What sparse tensors refuse: indices that do not fit, and operations without a rule."""

import pytest

import rustorch as torch
from rustorch.sparse import SparseTensor
from rustorch.sparse._rules import RULES

BAD = {
    "an index below 0": lambda: torch.sparse_coo_tensor([[0, -1]], [1.0, 2.0], (3,)),
    "an index beyond the size": lambda: torch.sparse_coo_tensor([[0, 3]], [1.0, 2.0], (3,)),
    "more values than columns": lambda: torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0, 3.0], (3,)),
    "indices of one dim": lambda: torch.sparse_coo_tensor([0, 1], [1.0, 2.0], (3,)),
    "a size of too many dims": lambda: torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3, 4)),
    "a negative size": lambda: torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (-3,)),
    "a size beyond 63 bits": lambda: torch.sparse_coo_tensor([[0], [0]], [1.0], (2**40, 2**40)),
    "rows that begin behind the end": lambda: torch.sparse_csr_tensor([0, 1, 4], [2, 0, 2], [1.0, 2.0, 3.0], (2, 3)),
    "rows that go back": lambda: torch.sparse_csr_tensor([0, 4, 3], [2, 0, 2], [1.0, 2.0, 3.0], (2, 3)),
    "a column beyond the size": lambda: torch.sparse_csr_tensor([0, 1, 3], [2, 0, 5], [1.0, 2.0, 3.0], (2, 3)),
    "floats as indices": lambda: torch.sparse_csr_tensor([0.0, 1.0], [2.0], [1.0], (1, 3)),
    "parts that no function made": lambda: torch._C._sparse_build(
        "sparse_coo", torch.zeros(2, 2), None, torch.ones(3), (2, 2), True
    ),
    "values of another number": lambda: torch._C._sparse_with_values(torch.eye(3).to_sparse(), torch.ones(2)),
    "a layout that is not there": lambda: torch.zeros(2, layout=torch.sparse_coo),
    "blocks": lambda: torch.ones(4, 4).to_sparse(layout=torch.sparse_bsr),
}


@pytest.mark.parametrize("name", BAD)
def test_parts_that_do_not_fit_are_refused(name):
    with pytest.raises((RuntimeError, TypeError, NotImplementedError)) as error:
        BAD[name]()
    assert str(error.value)


def names():
    """Every method of Tensor that takes no argument beside the tensor, or one more tensor."""
    return sorted(n for n in dir(torch.Tensor) if not n.startswith("_") and callable(getattr(torch.Tensor, n, None)))


@pytest.mark.parametrize("arguments", [(), (2,), (0, 0), (torch.ones(2, 3),)])
def test_no_method_takes_a_sparse_tensor_for_one_without_data(arguments):
    """A sparse tensor has no memory of its own: what knows nothing of it must raise, not give a result without data."""
    for name in names():
        s = torch.sparse_coo_tensor([[0, 1], [2, 0]], [1.5, 2.0], (2, 3))
        try:
            y = getattr(s, name)(*arguments)
        except Exception:
            continue
        for t in y if isinstance(y, tuple | list) else (y,):
            if isinstance(t, torch.Tensor):
                assert isinstance(t, SparseTensor) or not t.is_meta, name


def test_no_function_takes_a_sparse_tensor_for_one_without_data():
    for name in torch._C._function_names:
        for arguments in ((), (0,), (torch.ones(2, 3),)):
            s = torch.sparse_coo_tensor([[0, 1], [2, 0]], [1.5, 2.0], (2, 3))
            try:
                y = getattr(torch, name)(s, *arguments)
            except Exception:
                continue
            for t in y if isinstance(y, tuple | list) else (y,):
                if isinstance(t, torch.Tensor):
                    assert isinstance(t, SparseTensor) or not t.is_meta, name


def test_a_refusal_names_the_way_out():
    s = torch.sparse_coo_tensor([[0], [0]], [1.0], (2, 2))
    with pytest.raises(NotImplementedError, match=r"Could not run 'aten::exp'.*\n.*to_dense"):
        s.exp()


def test_overrides_cannot_make_memory_of_a_sparse_tensor():
    s = torch.sparse_coo_tensor([[0], [0]], [1.0], (2, 2))
    with torch._C.DisableTorchFunctionSubclass():
        assert torch.Tensor.__getitem__(s, 0).is_meta


def test_rules_are_of_operations_that_exist():
    known = {*dir(torch.Tensor), *torch._C._function_names, "linear", "linalg_vector_norm", "tensor", "as_tensor"}
    assert {n for n in RULES if n not in known and not n.startswith("_fused")} == set()
