"""Storages, `set_`, data pointers, resizing and sharing agree with torch."""

import pytest

X = "x = torch.arange(6.).reshape(2, 3)\ns = x.untyped_storage()\n"
PROGRAMS = [
    *(
        "s.nbytes(), s.size(), len(s), s.element_size(), s.device, s.is_cuda, s.is_shared(), s.resizable(), s.data_ptr() == x.data_ptr()",
        "s.tolist()",
        "bytes(s)",
        "s[0], s[-1]",
        "s[99]",
        "s[:4].tolist()",
        "s[::2]",
        "s['a']",
        "s[0] = 9\nx[0, 0]",
        "s[0] = 'a'",
        "s[:4] = 0\nx",
        "s.fill_(0)\nx",
        "s.fill_('a')",
    ),
    *(
        "x.untyped_storage() is s, x[0].untyped_storage() is s, x.t().untyped_storage()._cdata == s._cdata",
        "x[1].untyped_storage().data_ptr() == s.data_ptr(), x[1].data_ptr() - x.data_ptr()",
        "x.clone().untyped_storage().data_ptr() == s.data_ptr()",
        "repr(s[:3])",
        "type(s).__name__",
        "torch.UntypedStorage(4).nbytes()",
        "torch.UntypedStorage([1, 2, 3]).tolist()",
        "torch.UntypedStorage('a')",
    ),
    *(
        "s.clone().tolist() == s.tolist(), s.clone() is s",
        "s.copy_(torch.ones(6).untyped_storage())\nx",
        "s.copy_(torch.ones(5).untyped_storage())",
        "s.resize_(8)\ns.nbytes()",
        "s.resize_(48)\ns.nbytes(), x",
        "s.cpu() is s",
        "s == s, s != s, hash(s) == hash(s), s == 3",
        "list(s)[:3]",
        "s.type()",
        "s.float().dtype, s.int().tolist()[:2]",
        "s.new().nbytes()",
        "s.tolist() == list(memoryview(bytes(s)))",
    ),
    *(
        "x.storage()",
        "x.storage().tolist(), x.storage().dtype, len(x.storage()), x.storage()[1]",
        "x.storage().data_ptr() == x.data_ptr(), x.storage().untyped() is s, x.storage().size(), x.storage().nbytes(), x.storage().element_size()",
        "repr(x.storage())",
        "x.storage()[0] = 7\nx",
        "x.storage()[0:2]",
        "x.storage().fill_(2)\nx",
        "x.storage_type()",
        "type(x.storage()).__name__",
        "x.storage().type()",
    ),
    *(
        "torch.TypedStorage([1., 2.]).tolist()",
        "torch.TypedStorage(3, dtype=torch.int8).nbytes()",
        "torch.FloatStorage([1., 2.]).tolist()",
        "torch.LongStorage(3).size()",
        "isinstance(x.storage(), torch.FloatStorage), isinstance(x.storage(), torch.LongStorage)",
        "torch.is_storage(s), torch.is_storage(x)",
        "x.storage().double().tolist()",
        "x.storage().is_shared()",
        "x.storage().pickle_storage_type()",
    ),
    *(
        "y = torch.empty(0)\ny.set_(x)\ny, y.is_set_to(x), y is x",
        "y = torch.empty(0)\ny.set_(s)\ny",
        "y = torch.empty(0)\ny.set_(s, 1, (2, 2), (2, 1))\ny",
        "y = torch.empty(0)\ny.set_(s, 1, (2,))\ny",
        "y = torch.empty(0)\ny.set_(x, 0, (3,), (2,))\ny",
        "y = torch.ones(3)\ny.set_()\ny",
        "y = torch.empty(0)\ny.set_(s, 4, (5,), (1,))\ny.shape, s.nbytes()",
        "y = torch.empty(0)\ny.set_(s, -1, (1,), (1,))",
        "y = torch.empty(0)\ny.set_(s, 0, (2, 2), (1,))",
    ),
    *(
        "y = torch.empty(0, dtype=torch.int64)\ny.set_(x)",
        "y = torch.empty(0, dtype=torch.int32)\ny.set_(s)\ny",
        "y = torch.empty(0)\ny.set_(3)",
        "y = torch.empty(0, requires_grad=True)\ny.set_(x)\ny",
        "y = torch.empty(0)\ny.set_(x.storage())\ny",
        "y = torch.empty(0)\ny.set_(source=x)\ny",
        "y = torch.empty(0)\ny.set_(source=s, storage_offset=1, size=(2,), stride=(1,))\ny",
        "x.is_set_to(x), x.is_set_to(x.clone()), x.is_set_to(x.t()), x.is_set_to(x[:])",
        "x.is_set_to(3)",
    ),
    *(
        "x.data_ptr() == x.data_ptr(), x.data_ptr() % 16, torch.empty(0).data_ptr(), isinstance(x.data_ptr(), int)",
        "x[1:].storage_offset(), x[1, 2].storage_offset(), x.t().storage_offset()",
        "torch.empty(3, device='meta').data_ptr()",
        "torch.empty(3, device='meta').untyped_storage().nbytes()",
        "torch.empty(3, device='meta').untyped_storage().data_ptr()",
        "torch.empty(3, device='meta').untyped_storage()",
        "x.element_size(), x.nbytes, x.itemsize",
    ),
    *(
        "x.share_memory_() is x, x.is_shared()",
        "x.is_shared(), x.is_pinned()",
        "y = x[0]\nx.resize_(100)\ny.untyped_storage().nbytes()",
        "x.resize_(2)\nx, s.nbytes()",
        "x.resize_(9)\nx.shape, x[:2], s.nbytes()",
        "y = x.view(-1)\nx.resize_(50).zero_()\ny",
        "a = np.ones(3)\ny = torch.from_numpy(a)\ny.resize_(2)\ny",
        "a = np.ones(3)\ny = torch.from_numpy(a)\ny.resize_(5)",
        "a = np.ones(3)\ny = torch.from_numpy(a)\ny.untyped_storage().resizable()",
    ),
    *(
        "x.untyped_storage().resize_(0)\nx.shape, x.untyped_storage().nbytes()",
        "y = x.data\ny.add_(1)\nx, x._version, y._version",
        "y = x.detach()\ny.add_(1)\nx, x._version, y._version",
        "x.data = torch.zeros(1)\nx, s.nbytes()",
        "memoryview(bytes(s)).nbytes",
        "s.untyped() is s",
        "x.to_empty if hasattr(x, 'to_empty') else 0",
        "s.filename",
        "s.device, s.nbytes()",
        "x.const_data_ptr() == x.data_ptr()",
    ),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(agree, program):
    agree(X + program)


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ],
)
def test_storages_of_every_dtype(agree, dtype):
    agree(
        f"x = torch.tensor([1, 0, 2]).to(torch.{dtype})\nx.untyped_storage().tolist(), x.storage().tolist(), x.storage().dtype, x.untyped_storage().nbytes()"
    )
    agree(
        f"x = torch.tensor([1, 0, 2]).to(torch.{dtype})\ny = torch.empty(0, dtype=torch.{dtype}).set_(x.untyped_storage(), 1, (2,), (1,))\ny"
    )


def test_shared_memory_is_seen_by_a_child():
    import os

    import rustorch as torch

    x = torch.zeros(4).share_memory_()
    pid = os.fork()
    if pid == 0:
        x[1] = 7
        os._exit(0)
    os.waitpid(pid, 0)
    assert x.tolist() == [0, 7, 0, 0]


def test_typed_storages_are_deprecated_once():
    import rustorch as torch

    storage = torch.storage
    before, storage._warned = storage._warned, False
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(False)
    try:
        with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
            torch.ones(2).storage()
        torch.ones(2).storage()
    finally:
        storage._warned = before
        torch.set_warn_always(always)
