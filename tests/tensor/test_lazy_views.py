"""Conjugates and negatives as views: shared memory, marks, writes through them, gradients, and who refuses them."""

import copy
import pickle

import numpy as np
import pytest

import rustorch as T
from rustorch.testing import assert_close

Z = [[1 + 2j, -3 + 0.5j, 2j], [4 - 1j, 0.25 + 3j, -1 - 1j]]


def z(dtype=T.complex128, grad=False):
    return T.tensor(Z, dtype=dtype, requires_grad=grad)


def same(x, values):
    assert_close(x.resolve_conj().resolve_neg(), T.tensor(values, dtype=x.dtype), rtol=0, atol=0)


def test_a_conjugate_shares_memory_and_says_so():
    x = z()
    y = x.conj()
    assert y.is_conj() and not x.is_conj() and T.is_conj(y)
    assert y.data_ptr() == x.data_ptr() and y._base is x
    x[0, 0] = 7 + 7j
    assert y[0, 0].item() == 7 - 7j
    assert not y.conj().is_conj() and y.conj().data_ptr() == x.data_ptr()


def test_the_conjugate_of_a_real_tensor_is_itself():
    x = T.ones(2)
    assert x.conj() is x and x.resolve_conj() is x and x.resolve_neg() is x


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.t(),
        lambda t: t[1],
        lambda t: t[:, ::2],
        lambda t: t.reshape(3, 2),
        lambda t: t.unsqueeze(0).expand(2, 2, 3),
        lambda t: t.chunk(2)[1],
        lambda t: t.diagonal(),
        lambda t: t.as_strided((2, 2), (1, 2)),
        lambda t: t.detach(),
        lambda t: t.data,
        lambda t: t.flatten(),
        lambda t: t.contiguous(),
        lambda t: t.to(T.complex128),
    ],
)
def test_views_of_conjugates_are_conjugates(view):
    x = z()
    y = view(x.conj())
    assert y.is_conj() and y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    same(y, view(z().conj_physical()).tolist())


@pytest.mark.parametrize("call", [T.Tensor.clone, lambda t: t.t().reshape(-1), lambda t: t.to(T.complex64)])
def test_copies_are_resolved(call):
    y = call(z().conj())
    assert not y.is_conj()
    same(y, call(z().conj_physical()).tolist())


def test_resolve_conj_copies_only_what_is_lazy():
    x = z()
    y = x.conj().resolve_conj()
    assert not y.is_conj() and y.data_ptr() != x.data_ptr()
    same(y, x.conj_physical().tolist())
    assert x.resolve_conj() is x


def test_the_adjoint_is_a_view():
    x = z()
    for y in (x.mH, x.H, x.adjoint(), T.adjoint(x)):
        assert y.is_conj() and y.data_ptr() == x.data_ptr()
        same(y, x.conj_physical().t().tolist())


def test_parts_of_a_conjugate_are_views():
    x = z()
    real, imag = x.conj().real, x.conj().imag
    assert not real.is_neg() and imag.is_neg() and T.is_neg(imag)
    same(real, x.real.tolist())
    same(imag, (-x.imag).tolist())
    x[0, 0] = 5 + 6j
    assert imag[0, 0].item() == -6 and real[0, 0].item() == 5
    imag[0, 0] = 1.0
    assert x[0, 0].item() == 5 - 1j
    assert not T.view_as_real(x).is_neg() and imag.resolve_neg().data_ptr() != imag.data_ptr()


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t + t,
        lambda t: t * 2,
        lambda t: 1 / t,
        lambda t: -t,
        lambda t: abs(t),
        lambda t: t @ t.mT,
        lambda t: t == t,
        lambda t: t**2,
        lambda t: t.sum(0),
        lambda t: t.exp(),
        lambda t: T.cat([t, t]),
        lambda t: T.stack([t, t.conj()]),
        lambda t: t[T.tensor([1, 0])],
        lambda t: t[T.tensor([[True, False, True], [False, True, True]])],
        lambda t: T.where(T.tensor(True), t, t * 0),
        lambda t: T.linalg.svdvals(t),
        lambda t: T.fft.fft(t),
        lambda t: T.einsum("ij,kj->ik", t, t),
        lambda t: t.angle(),
        lambda t: t.to(T.complex64),
        lambda t: T.tensor(t.tolist()),
        lambda t: T.func.vmap(lambda row: row.conj() * row)(t),
    ],
)
def test_operations_read_what_a_conjugate_stands_for(f):
    got, want = f(z().conj()), f(z().conj_physical())
    assert_close(got.resolve_conj(), want.resolve_conj(), rtol=0, atol=0)


WRITES = [
    lambda t: t.mul_(2j),
    lambda t: t.add_(1 + 1j),
    lambda t: t.copy_(T.full_like(t, 3 + 4j)),
    lambda t: t.fill_(1j),
    lambda t: t.zero_(),
    lambda t: t.exp_(),
    lambda t: t.__setitem__((0, 1), 5 - 5j),
    lambda t: t.__setitem__(slice(None), t * 2),
    lambda t: t.__setitem__(T.tensor([1, 0]), t.clone()),
    lambda t: t.index_add_(0, T.tensor([0, 0]), T.full_like(t, 1j)),
    lambda t: t.masked_fill_(t.real > 0, 9j),
    lambda t: t.real.mul_(3),
    lambda t: t.imag.mul_(3),
    lambda t: t.imag.copy_(T.ones(2, 3)),
    lambda t: T.add(t, 1j, out=t),
    lambda t: T._foreach_add_([t], 2j),
    lambda t: t.__imul__(1j),
]


@pytest.mark.parametrize("write", WRITES)
def test_writing_through_a_conjugate_changes_its_base(write):
    base, plain = z(), z().conj_physical()
    view = base.conj()
    write(view)
    write(plain)
    assert view.is_conj() and view.data_ptr() == base.data_ptr()
    same(view, plain.tolist())
    same(base, plain.conj_physical().tolist())


def test_an_operation_in_place_returns_the_view():
    y = z().conj()
    assert y.mul_(2) is y and y.copy_(y * 2) is y
    before = y
    y += 1
    assert y is before


def gradients(T, f, values):
    x = T.tensor(values, dtype=T.complex128, requires_grad=True)
    y = f(T, x)
    weight = T.tensor([[1 + 1j, 2 - 1j, 3j], [0.5, -1j, 2 + 2j]], dtype=T.complex128)
    (y * weight).abs().sum().backward()
    return x.grad.resolve_conj().tolist(), y.detach().resolve_conj().tolist()


def through_a_write(T, x):
    base = x * 1
    view = base.conj()
    view.mul_(x)
    return base + view


def of_a_part(T, x):
    base = x * 1
    base.conj().imag.mul_(x.real)
    return base.conj()


def after_the_base(T, x):
    base = x * 1
    view = base.conj()
    base.mul_(x)
    return view * 2


GRADIENTS = [
    lambda T, x: x.conj(),
    lambda T, x: x.conj() * x,
    lambda T, x: x.conj().clone(),
    lambda T, x: x.conj().real * x.conj().imag + 0j,
    lambda T, x: x.mH.mT.resolve_conj(),
    through_a_write,
    of_a_part,
    after_the_base,
]


@pytest.mark.parametrize("f", GRADIENTS)
def test_gradients_are_torchs(f, oracle):
    assert_close(gradients(T, f, Z), gradients(oracle, f, Z), rtol=1e-12, atol=1e-12)


def test_gradients_may_be_conjugates_themselves():
    x = z(grad=True)
    x.mul(2).backward(z().conj())
    same(x.grad, (2 * z().conj_physical()).tolist())
    x.grad = z().conj()
    x.mul(1).backward(z())
    same(x.grad, (z() + z().conj_physical()).tolist())
    x.register_hook(lambda g: g.conj())
    (got,) = T.autograd.grad(x * 1, x, z())
    same(got, z().conj_physical().tolist())


def test_gradcheck_of_views():
    for f in (T.conj, lambda t: t.conj().imag, lambda t: t.mH.real, lambda t: t.conj().resolve_conj()):
        assert T.autograd.gradcheck(f, (z(grad=True),)) and T.autograd.gradgradcheck(f, (z(grad=True),))


def test_a_view_of_a_leaf_may_not_be_changed():
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        z(grad=True).conj().mul_(2)


def test_memory_is_handed_out_only_as_it_reads():
    x = z()
    for call in (lambda t: t.numpy(), np.asarray):
        with pytest.raises(RuntimeError, match=r"has conjugate bit set\. Use tensor\.resolve_conj"):
            call(x.conj())
        with pytest.raises(RuntimeError, match=r"has negative bit set\. Use tensor\.resolve_neg"):
            call(x.conj().imag)
    assert np.array_equal(x.conj().numpy(force=True), x.numpy().conj())
    with pytest.raises(BufferError, match="conjugate bit set"):
        x.conj().__dlpack__()
    with pytest.raises(RuntimeError, match="view_as_real doesn't work on unresolved conjugated tensors"):
        T.view_as_real(x.conj())
    with pytest.raises(RuntimeError, match="not supported for conjugate view tensors"):
        x.conj().view(T.float64)


def test_copies_and_pickles_keep_the_values():
    y = z().conj()
    for new in (copy.deepcopy(y), copy.copy(y), pickle.loads(pickle.dumps(y))):
        same(new, z().conj_physical().tolist())
    same(pickle.loads(pickle.dumps(y.imag)), (-z().imag).tolist())
    assert repr(y) == repr(z().conj_physical())


def test_resizing_keeps_the_mark():
    y = z().conj().resize_(2, 2)
    assert y.is_conj()
    same(y, z().conj_physical().flatten()[:4].reshape(2, 2).tolist())


def test_the_meta_device_knows_conjugates():
    assert T.empty(2, dtype=T.complex64, device="meta").conj().is_conj()
