"""Programs of views and writes in place, drawn at random, have torch's derivatives of both orders or torch's errors."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

import rustorch

VIEWS = {
    "select": lambda v, d, a: v.select(d, int(a * v.shape[d])),
    "narrow": lambda v, d, a: v.narrow(d, int(a * v.shape[d] / 2), max(1, v.shape[d] // 2)),
    "step": lambda v, d, a: v[(slice(None),) * d + (slice(None, None, 2),)],
    "transpose": lambda v, d, a: v.transpose(d, int(a * v.dim())),
    "unsqueeze": lambda v, d, a: v.unsqueeze(d),
    "diagonal": lambda v, d, a: v.diagonal() if v.dim() > 1 else v,
    "flat": lambda v, d, a: v.reshape(-1),
}
# Of a tensor, another one and a number from 0 to 1.
WRITES = {
    "add_": lambda v, u, a: v.add_(u, alpha=a),
    "mul_": lambda v, u, a: v.mul_(u),
    "mul_ number": lambda v, u, a: v.mul_(a + 0.5),
    "mul_ detached": lambda v, u, a: v.mul_(u.detach()),
    "div_": lambda v, u, a: v.div_(u.exp()),
    "addcmul_": lambda v, u, a: v.addcmul_(u, u, value=a),
    "lerp_": lambda v, u, a: v.lerp_(u, a),
    "atan2_": lambda v, u, a: v.atan2_(u),
    "pow_": lambda v, u, a: v.pow_(2),
    "sin_": lambda v, u, a: v.sin_(),
    "exp_": lambda v, u, a: v.mul_(0.1).exp_(),
    "tanh_": lambda v, u, a: v.tanh_(),
    "sigmoid_": lambda v, u, a: v.sigmoid_(),
    "neg_": lambda v, u, a: v.neg_(),
    "zero_": lambda v, u, a: v.zero_(),
    "copy_": lambda v, u, a: v.copy_(u),
    "masked_fill_": lambda v, u, a: v.masked_fill_(v.detach() > a, 0.3),
    "row": lambda v, u, a: v.__setitem__(0, a),
    "cumsum_": lambda v, u, a: v.cumsum_(0),
}
READS = {
    "square": lambda v, u, a: v * v,
    "product": lambda v, u, a: v * u,
    "clone": lambda v, u, a: v.clone(),
    "sum": lambda v, u, a: v + v.sum(0),
}
KINDS = [VIEWS, WRITES, READS]
STEP = st.one_of(*(st.sampled_from(list(kind)) for kind in KINDS))
PICK = st.floats(0, 0.99)
PROGRAM = st.lists(st.tuples(STEP, PICK, PICK, PICK), min_size=2, max_size=6)


def order_matters(v, u):
    """Is u, in part, the memory of v, so that what torch writes depends on the order in which it goes over elements?

    Here the operand is read first. Where both are dense, both libraries refuse.
    """
    same_memory = v.untyped_storage().data_ptr() == u.untyped_storage().data_ptr()
    same_layout = (v.storage_offset(), v.stride()) == (u.storage_offset(), u.stride())
    return same_memory and not same_layout and not (v.is_contiguous() and u.is_contiguous())


def run(T, program):
    """The value of a program and its derivatives of first and second order."""
    x = T.arange(12, dtype=T.float64).reshape(2, 2, 3).div(7).sub(0.6).requires_grad_()
    pool = [x * 1.5]
    for name, which, other, number in program:
        v = pool[int(which * len(pool))]
        if name in VIEWS:
            if v.dim() and v.numel():
                pool.append(VIEWS[name](v, int(other * v.dim()), number))
            continue
        u = pool[int(other * len(pool))]
        u = u if u.shape == v.shape and not order_matters(v, u) else v
        (WRITES[name] if name in WRITES else READS[name])(v, u, number)
        if name in READS:
            pool.append(READS[name](v, u, number))
    loss = sum(p.sin().sum() * (i + 1) for i, p in enumerate(pool))
    (g,) = T.autograd.grad(loss, x, create_graph=True)
    (gg,) = T.autograd.grad(g.sin().sum(), x, allow_unused=True, materialize_grads=True)
    return [loss.item(), *g.flatten().tolist(), *gg.flatten().tolist()]


def outcome(T, program):
    try:
        return run(T, program)
    except (RuntimeError, IndexError) as e:
        return type(e)


@settings(deadline=None, max_examples=400)
@given(PROGRAM)
def test_views_and_writes_in_place(oracle, program):
    ours, theirs = outcome(rustorch, program), outcome(oracle, program)
    if isinstance(ours, type) or isinstance(theirs, type):
        assert ours is theirs
        return
    if not max(map(abs, theirs)) < 1e6:
        return  # the sine of large numbers is mostly rounding
    for a, b in zip(ours, theirs, strict=True):
        assert math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-8), (ours, theirs)
