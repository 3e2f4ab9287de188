"""What the distributions share: broadcasting of parameters, probabilities and logits, lazily computed parameters."""

from functools import update_wrapper

import rustorch
from rustorch.nn import functional as F
from rustorch.overrides import is_tensor_like
from rustorch.types import _Number

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

# The shape of one sample, and of a batch or an event of one number.
_NO_DIMS = rustorch.Size()
euler_constant = 0.57721566490153286060  # OEIS A001620


def broadcast_all(*values):
    """The values as tensors of one shape; numbers take dtype and device of the first tensor.

    Args:  values (number or Tensor): any number of them; numbers alone become tensors of the default dtype.
    Raises:  ValueError: if one is neither a number nor a tensor.
    Example:
        >>> from rustorch.distributions.utils import broadcast_all
        >>> broadcast_all(1.0, torch.zeros(2))
        (tensor([1., 1.]), tensor([0., 0.]))
    """
    for value in values:
        if not (is_tensor_like(value) or isinstance(value, _Number)):
            raise ValueError(
                "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
                "__torch_function__.\n"
                f"  broadcast_all: expected numbers and tensors, but got {type(value).__name__}. "
                "Convert it by torch.as_tensor."
            )
    first = next((value for value in values if isinstance(value, rustorch.Tensor)), None)
    if first is None:
        options = {"dtype": rustorch.get_default_dtype()}
    else:
        options = {"dtype": first.dtype, "device": first.device}
    return tuple(
        rustorch.broadcast_tensors(*(v if is_tensor_like(v) else rustorch.tensor(v, **options) for v in values))
    )


def _all_true(valid):
    """Whether all entries hold; under `vmap` those of all samples, so that checks work there."""
    if type(valid) is not rustorch.Tensor:
        from rustorch.func import debug_unwrap

        valid = debug_unwrap(valid)
    return valid.all()


def _standard_normal(shape, dtype, device):
    return rustorch.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value, dim):
    """The sum over the last `dim` dims."""
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def logits_to_probs(logits, is_binary=False):
    """Probabilities of log-odds (`is_binary`), or of unnormalised log-probabilities along the last dim.

    Example:
        >>> from rustorch.distributions.utils import logits_to_probs
        >>> logits_to_probs(torch.zeros(4))
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    return rustorch.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs):
    """Probabilities at least eps of their dtype away from 0 and 1, so that their logarithms are finite.

    Example:
        >>> from rustorch.distributions.utils import clamp_probs
        >>> clamp_probs(torch.tensor([0.0, 0.5])).log().isfinite()
        tensor([True, True])
    """
    eps = rustorch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """Log-odds (`is_binary`) or logarithms of probabilities, clamped so that they are finite.

    Example:
        >>> from rustorch.distributions.utils import probs_to_logits
        >>> probs_to_logits(torch.tensor([0.5]), is_binary=True)
        tensor([0.])
    """
    probs = clamp_probs(probs)
    return rustorch.log(probs) - rustorch.log1p(-probs) if is_binary else rustorch.log(probs)


class lazy_property:
    """A property that is computed once, recording for autograd, and kept as the instance's attribute.

    Example:
        >>> from rustorch.distributions.utils import lazy_property
        >>> class Circle:
        ...     @lazy_property
        ...     def area(self):
        ...         return "computed"
        >>> circle = Circle()
        >>> circle.area, vars(circle)
        ('computed', {'area': 'computed'})
    """

    def __init__(self, wrapped):
        self.wrapped = wrapped
        update_wrapper(self, wrapped)

    def __get__(self, instance, obj_type=None):
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with rustorch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):
    """What a class shows of it: documentation tools look for properties."""

    def __init__(self, wrapped):
        property.__init__(self, wrapped)


def _tril_mask(n, diag, device):
    row = rustorch.arange(n, device=device)
    return row < row.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat, diag=0):
    """The entries on and below a diagonal, row by row.

    Args:  mat (Tensor): square matrices. diag (int, 0): the diagonal, counted upwards from the main one.
    Shape:  `(*, n, n)` to `(*, m)`, m the number of entries.
    Raises:  ValueError: if there is no such diagonal.
    Example:
        >>> from rustorch.distributions.utils import tril_matrix_to_vec
        >>> tril_matrix_to_vec(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 3, 4])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(
            f"diag ({diag}) provided is outside [{-n}, {n - 1}].\n"
            f"  tril_matrix_to_vec: expected a diagonal of {n}x{n} matrices, but got {diag}. Pass one of that range."
        )
    return mat[..., _tril_mask(n, diag, mat.device)]


def vec_to_tril_matrix(vec, diag=0):
    """Lower triangular matrices from their entries, row by row: the inverse of `tril_matrix_to_vec`.

    Args:  vec (Tensor): the entries. diag (int, 0): the highest diagonal that they fill.
    Shape:  `(*, m)` to `(*, n, n)`.
    Raises:  ValueError: if no matrix has m such entries.
    Example:
        >>> from rustorch.distributions.utils import vec_to_tril_matrix
        >>> vec_to_tril_matrix(torch.tensor([1, 3, 4.0]))
        tensor([[1., 0.],
                [3., 4.]])
    """
    # m = n (n + 1 + 2 diag) / 2, less the corner that diagonals below the main one leave out; solved for n.
    m, b = vec.shape[-1], 1 + 2 * diag
    exact = (-b + (b**2 + 8 * m + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    n = round(exact)
    if abs(n - exact) > rustorch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {m} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix.\n"
            f"  vec_to_tril_matrix: expected D * (D + 1) / 2 entries for the diagonal 0, but got {m} for {diag}. "
            "Pass as many as a matrix has."
        )
    mat = vec.new_zeros(vec.shape[:-1] + (n, n))
    mat[..., _tril_mask(n, diag, vec.device)] = vec
    return mat
