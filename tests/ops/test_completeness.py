"""No operation without a case, and no case without an operation."""

from optable import CASES, schemas
from optable.errors import ERRORS

import rustorch as torch

# What every program for torch may rely on.
PUBLIC = """
sum mean prod min max argmin argmax var std norm any all logsumexp cumsum cumprod amin amax aminmax nansum count_nonzero
where clamp masked_fill cat stack split chunk gather scatter index_select index_add take flip roll repeat_interleave
permute transpose reshape squeeze unsqueeze as_strided tril triu diag sort argsort topk unique nonzero masked_select
matmul mm bmm addmm baddbmm mv dot einsum outer tensordot kron
zeros ones full empty eye arange linspace logspace rand randn randint randperm zeros_like ones_like full_like tensor
as_tensor from_numpy bernoulli multinomial normal complex polar
add sub mul div pow remainder fmod floor_divide eq ne lt le gt ge logical_and logical_or logical_xor logical_not
bitwise_and bitwise_or bitwise_xor bitwise_not floor ceil round trunc frac abs sign neg exp log log2 log10 log1p expm1
sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sqrt rsqrt erf erfc erfinv sigmoid relu softmax
log_softmax lgamma digamma lerp addcmul addcdiv isnan isinf isfinite isclose allclose equal
"""
METHODS = "expand repeat view unfold permute contiguous item tolist to numpy detach requires_grad_ normal_ uniform_"


def test_every_operation_has_one_case():
    names = [case.name for case in CASES]
    missing = sorted(set(schemas()) - set(names))
    unknown = sorted(set(names) - set(schemas()))
    twice = sorted({n for n in names if names.count(n) > 1})
    assert not missing, f"{len(missing)} operations have no row in tests/optable: {' '.join(missing)}"
    assert not unknown, f"rows of tests/optable name no operation: {' '.join(unknown)}"
    assert not twice, f"more than one row: {' '.join(twice)}"


def test_the_everyday_functions_exist():
    missing = [f"torch.{n}" for n in PUBLIC.split() if not callable(getattr(torch, n, None))]
    missing += [f"Tensor.{n}" for n in METHODS.split() if not callable(getattr(torch.Tensor, n, None))]
    assert not missing


def test_error_rows_belong_to_operations():
    assert not set(ERRORS) - set(schemas())
