"""Products of matrices and vectors, and linear algebra, which takes batches as it is."""

import rustorch
from rustorch import Tensor
from rustorch.func._levels import rule_dim
from rustorch.func._rules import RULES, name_of, one_by_one, rule


def _check_ranks(func, tensors, ranks):
    """Raise the operation's own error, about one sample's shapes, unless the samples have these numbers of dims."""
    if any(t.dim() != rank for t, rank in zip(tensors, ranks, strict=True)):
        func(*[rustorch.empty(t.shape, dtype=t.dtype, device="meta") for t in tensors])


def product(func, level, a, b):
    """`a @ b`, vectors and stacks of matrices included."""
    if a.dim() == 0 or b.dim() == 0:
        _check_ranks(func, (a, b), (1, 1))
    left = a.unsqueeze(-2) if a.dim() == 1 else a
    right = b.unsqueeze(-1) if b.dim() == 1 else b
    rank = max(left.dim(), right.dim())
    made = level.wrap(rustorch.matmul(level.aligned(left, rank), level.aligned(right, rank)))
    made = made.squeeze(-1) if b.dim() == 1 else made
    return made.squeeze(-2 if b.dim() != 1 else -1) if a.dim() == 1 else made


@rule("matmul linalg_matmul __matmul__")
def matmul(func, level, a, b):
    return product(func, level, a, b)


@rule("__rmatmul__")
def rmatmul(func, level, b, a):
    return product(func, level, a, b)


_RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1), "vdot": (1, 1)}


@rule("mm bmm mv dot vdot")
def plain_product(func, level, a, b):
    name, _ = name_of(func)
    _check_ranks(func, (a, b), _RANKS[name])
    return product(func, level, a.conj() if name == "vdot" and a.is_complex() else a, b)


@rule("linear")
def linear(func, level, x, weight, bias=None):
    if level.has(weight):
        made = product(func, level, x, weight.transpose(0, 1) if weight.dim() == 2 else weight)
        return made if bias is None else made + bias
    if bias is None or not level.has(bias):
        return level.wrap(func(level.value(x), weight, bias))
    return level.wrap(func(level.value(x), weight)) + bias if level.has(x) else func(x, weight) + bias


def _plus(x, product, beta, alpha):
    scaled = product if alpha == 1 else product * alpha
    # With beta = 0 not even NaN comes through.
    return scaled if beta == 0 else (x if beta == 1 else x * beta) + scaled


@rule("addmm addmv baddbmm")
def add_product(func, level, x, a, b, *, beta=1, alpha=1):
    return _plus(x, a @ b, beta, alpha)


@rule("addbmm")
def addbmm(func, level, x, a, b, *, beta=1, alpha=1):
    return _plus(x, (a @ b).sum(0), beta, alpha)


@rule("addr")
def addr(func, level, x, a, b, *, beta=1, alpha=1):
    return _plus(x, outer(func, level, a, b), beta, alpha)


@rule("outer ger")
def outer(func, level, a, b):
    return a.unsqueeze(-1) * b.unsqueeze(-2)


@rule("inner")
def inner(func, level, a, b):
    if a.dim() == 0 or b.dim() == 0:
        return a * b
    made = a.reshape(-1, a.shape[-1]) @ b.reshape(-1, b.shape[-1]).transpose(0, 1)
    return made.reshape(*a.shape[:-1], *b.shape[:-1])


@rule("kron")
def kron(func, level, a, b):
    rank = max(a.dim(), b.dim())
    a, b = (t.reshape(*[1] * (rank - t.dim()), *t.shape) for t in (a, b))
    wide = a.reshape([s for size in a.shape for s in (size, 1)]) * b.reshape([s for size in b.shape for s in (1, size)])
    return wide.reshape([m * n for m, n in zip(a.shape, b.shape, strict=True)])


def _axes(dims, a, b):
    if isinstance(dims, int):
        return list(range(a.dim() - dims, a.dim())), list(range(dims))
    left, right = dims
    left, right = ([d] if isinstance(d, int) else list(d) for d in (left, right))
    return [rule_dim(d, a.dim()) for d in left], [rule_dim(d, b.dim()) for d in right]


@rule("tensordot")
def tensordot(func, level, a, b, *dims, **kwargs):
    dims = dims or tuple(kwargs.values()) or (2,)
    left, right = _axes(dims[0] if len(dims) == 1 else dims, a, b)
    rows = [d for d in range(a.dim()) if d not in left]
    columns = [d for d in range(b.dim()) if d not in right]
    shape = [a.shape[d] for d in rows] + [b.shape[d] for d in columns]
    size = rustorch.Size([a.shape[d] for d in left]).numel()
    return (a.permute(*rows, *left).reshape(-1, size) @ b.permute(*right, *columns).reshape(size, -1)).reshape(shape)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(func, level, *args, path=None):
    """`einsum` with one more letter, for the batch."""
    from rustorch.func._rules import body

    if not isinstance(args[0], str):
        return body(func)(*args)
    equation, operands = args[0].replace(" ", ""), args[1:]
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = operands[0]
    terms, arrow, result = equation.partition("->")
    if not arrow:
        letters = terms.replace("...", "").replace(",", "")
        result = "..." * ("..." in terms) + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    batch = next(c for c in _LETTERS if c not in equation)
    terms = [batch * level.has(x) + term for term, x in zip(terms.split(","), operands, strict=True)]
    return level.wrap(func(f"{','.join(terms)}->{batch}{result}", [level.value(x) for x in operands]))


RULES[rustorch.einsum] = RULES["einsum"] = einsum


@rule("bilinear")
def bilinear(func, level, x1, x2, weight, bias=None):
    made = rustorch.einsum("...i,oij,...j->...o", x1, weight, x2)
    return made if bias is None else made + bias


@rule("linalg_cross cross")
def cross(func, level, a, b, dim=None):
    shape = rustorch.broadcast_shapes(a.shape, b.shape)
    if dim is None:
        dim = -1 if name_of(func)[0] == "linalg_cross" else shape.index(3)
    rank = len(shape)
    a, b = (level.full(t.expand(shape)) for t in (a, b))
    return level.wrap(rustorch.linalg.cross(a, b, dim=rule_dim(dim, rank) + 1))


@rule("linalg_vecdot")
def vecdot(func, level, a, b, *, dim=-1):
    return (a.conj() * b).sum(dim)


@rule("""
    cholesky linalg_cholesky cholesky_inverse linalg_cholesky_ex det linalg_det logdet slogdet linalg_slogdet inverse
    linalg_inv pinverse linalg_pinv linalg_matrix_exp matrix_exp linalg_cond linalg_matrix_rank linalg_inv_ex
    linalg_lu_factor linalg_lu_factor_ex _lu_with_info linalg_lu linalg_ldl_factor linalg_ldl_factor_ex linalg_eigvalsh
    linalg_svdvals linalg_eigvals linalg_eig linalg_eigh linalg_svd svd linalg_qr qr geqrf linalg_matrix_power
    matrix_power
""")
def of_matrices(func, level, x, *args, **kwargs):
    if any(isinstance(arg, Tensor) for arg in (*args, *kwargs.values())):
        return one_by_one(func, level, name_of(func)[0], False, (x, *args), kwargs)
    _check_matrix(func, x)
    return level.wrap(func(x._value, *args, **kwargs))


def _check_matrix(func, x):
    if x.dim() < 2:
        func(rustorch.zeros(x.shape, dtype=x.dtype))


@rule("linalg_solve linalg_solve_ex")
def solve(func, level, a, b, *, left=True, **kwargs):
    vector = b.dim() == 1 or (b.dim() == a.dim() - 1 and b.shape == a.shape[:-1])
    right = b.unsqueeze(-1) if vector else b
    rank = max(a.dim(), right.dim())
    made = level.wrap(func(level.aligned(a, rank), level.aligned(right, rank), left=left or vector, **kwargs))
    return made.squeeze(-1) if vector and isinstance(made, Tensor) else made


@rule("linalg_lstsq")
def lstsq(func, level, a, b, *args, **kwargs):
    solved = func(level.full(a), level.full(b), *args, **kwargs)
    # What the driver does not compute is empty.
    members = [m if m.numel() or not level.size else m.new_empty(level.size, 0) for m in solved]
    return level.wrap(type(solved)(members))


@rule("linalg_solve_triangular triangular_solve cholesky_solve linalg_householder_product orgqr")
def matrices_with_matrices(func, level, a, b, *args, **kwargs):
    rank = max(a.dim(), b.dim())
    full = [level.wrap(level.full(t)) for t in (a, b)]
    if name_of(func)[0] in ("linalg_householder_product", "orgqr"):
        return level.wrap(func(level.full(a), level.full(b), *args, **kwargs))
    return level.wrap(func(*[level.aligned(t, rank) for t in full], *args, **kwargs))
