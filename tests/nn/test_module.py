"""Module: registration, attributes, traversal, conversion, printing, copying."""

import copy
import pickle
import warnings

import pytest

import rustorch as torch
from rustorch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(3, 4)
        self.block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        self.register_buffer("scale", torch.ones(1))
        self.register_buffer("cache", torch.zeros(2), persistent=False)

    def forward(self, x):
        return self.block(self.l1(x)) * self.scale


class Empty(nn.Module):
    pass


class Mutable(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = nn.Parameter(torch.ones(2))


def names(pairs):
    return [name for name, _ in pairs]


# ---- registration


def test_assignment_registers_parameters_modules_and_buffers():
    m = Empty()
    m.p, m.sub, m.b, m.plain = nn.Parameter(torch.ones(1)), nn.ReLU(), nn.Buffer(torch.ones(2)), 3
    assert list(m._parameters) == ["p"]
    assert list(m._modules) == ["sub"]
    assert list(m._buffers) == ["b"]
    assert m.__dict__["plain"] == 3


def test_buffer_object_says_whether_it_is_persistent():
    m = Empty()
    m.a = nn.Buffer(torch.ones(1), persistent=False)
    m.b = nn.Buffer(torch.ones(1))
    assert list(m.state_dict()) == ["b"]
    m.b = torch.zeros(1)  # stays persistent
    m.a = torch.zeros(1)  # stays out
    assert list(m.state_dict()) == ["b"]
    assert isinstance(nn.Buffer(torch.ones(1)), nn.Buffer)
    assert not isinstance(torch.ones(1), nn.Buffer)


def test_reassignment_moves_a_name_between_the_tables():
    m = Empty()
    m.x = 1
    m.x = nn.Parameter(torch.ones(1))
    assert "x" not in m.__dict__ and "x" in m._parameters
    del m.x
    m.x = nn.ReLU()
    assert "x" in m._modules and "x" not in m._parameters
    m.y = nn.ReLU()
    m.y = nn.Parameter(torch.ones(1))
    assert "y" in m._parameters and "y" not in m._modules


def test_none_keeps_a_registered_name():
    m = Net()
    m.l1 = None
    assert m._modules["l1"] is None and names(m.named_children()) == ["block"]
    m = Mutable()
    m.p = None
    assert m.p is None and list(m.parameters()) == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "p",
            torch.ones(1),
            "cannot assign 'torch.FloatTensor' as parameter 'p' (torch.nn.Parameter or None expected)",
        ),
        ("sub", 3, "cannot assign 'int' as child module 'sub' (torch.nn.Module or None expected)"),
        ("b", 3, "cannot assign 'int' as buffer 'b' (torch.nn.Buffer, torch.Tensor or None expected)"),
    ],
)
def test_wrong_kind_of_value_for_a_registered_name(name, value, text):
    m = Empty()
    m.p, m.sub = nn.Parameter(torch.ones(1)), nn.ReLU()
    m.register_buffer("b", torch.ones(1))
    with pytest.raises(TypeError) as error:
        setattr(m, name, value)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda m: m.register_parameter(3, None), TypeError, "parameter name should be a string. Got int"),
        (lambda m: m.register_parameter("a.b", None), KeyError, 'parameter name can\'t contain "."'),
        (lambda m: m.register_parameter("", None), KeyError, 'parameter name can\'t be empty string ""'),
        (lambda m: m.register_parameter("forward", None), KeyError, "attribute 'forward' already exists"),
        (
            lambda m: m.register_parameter("q", torch.ones(1)),
            TypeError,
            "cannot assign 'torch.FloatTensor' object to parameter 'q' (torch.nn.Parameter or None required)",
        ),
        (lambda m: m.register_buffer(3, None), TypeError, "buffer name should be a string. Got int"),
        (lambda m: m.register_buffer("a.b", None), KeyError, 'buffer name can\'t contain "."'),
        (lambda m: m.register_buffer("", None), KeyError, 'buffer name can\'t be empty string ""'),
        (lambda m: m.register_buffer("p", None), KeyError, "attribute 'p' already exists"),
        (
            lambda m: m.register_buffer("q", 1),
            TypeError,
            "cannot assign 'int' object to buffer 'q' (torch Tensor or None required)",
        ),
        (lambda m: m.add_module("a.b", nn.ReLU()), KeyError, 'module name can\'t contain ".", got: a.b'),
        (lambda m: m.add_module("", nn.ReLU()), KeyError, 'module name can\'t be empty string ""'),
        (lambda m: m.add_module("p", nn.ReLU()), KeyError, "attribute 'p' already exists"),
        (lambda m: m.add_module(3, nn.ReLU()), TypeError, "module name should be a string. Got int"),
        (lambda m: m.add_module("x", 3), TypeError, "int is not a Module subclass"),
    ],
)
def test_registration_errors(call, kind, text):
    with pytest.raises(kind) as error:
        call(Mutable())
    assert error.value.args[0] == text


def test_non_leaf_parameter_is_refused():
    value = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'x'"):
        Empty().register_parameter("x", (value * 2).as_subclass(nn.Parameter))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (nn.Parameter(torch.ones(1)), "cannot assign parameters before Module.__init__() call"),
        (nn.ReLU(), "cannot assign module before Module.__init__() call"),
    ],
)
def test_assignment_before_init(value, text):
    class Early(nn.Module):
        def __init__(self):
            self.x = value

    with pytest.raises(AttributeError) as error:
        Early()
    assert str(error.value) == text


def test_call_before_init():
    class Never(nn.Module):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match="'Never' object has no attribute"):
        Never()(1)


def test_constructor_takes_no_arguments():
    with pytest.raises(TypeError, match=r"Empty.__init__\(\) takes 1 positional argument but 2 were given"):
        Empty(1)
    with pytest.raises(TypeError, match=r"Empty.__init__\(\) got an unexpected keyword argument 'a'"):
        Empty(a=1)


def test_call_super_init_reaches_the_next_class():
    class Mixin:
        def __init__(self, tag):
            self.tag = tag

    class Both(nn.Module, Mixin):
        call_super_init = True

    assert Both("x").tag == "x"


def test_missing_attribute_and_missing_forward():
    with pytest.raises(AttributeError, match=r"^'Empty' object has no attribute 'nope'$"):
        _ = Empty().nope
    with pytest.raises(NotImplementedError, match=r'^Module \[Empty\] is missing the required "forward" function$'):
        Empty()(1)


def test_delattr():
    m = Net()
    del m.l1, m.cache
    assert "l1" not in m._modules and "cache" not in m._non_persistent_buffers_set
    with pytest.raises(AttributeError):
        del m.nope


def test_dir_lists_members_but_no_numbers():
    assert {"l1", "scale", "forward"} <= set(dir(Net()))
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


def test_forward_replaced_on_the_instance():
    m = nn.ReLU()
    m.forward = lambda x: x + 1
    assert m(1) == 2


# ---- lookup by dotted name


def test_lookup_by_dotted_name():
    m = Net()
    assert m.get_submodule("") is m
    assert m.get_submodule("block.0") is m.block[0]
    assert m.get_parameter("block.0.weight") is m.block[0].weight
    assert m.get_buffer("block.1.running_mean") is m.block[1].running_mean


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: m.get_submodule("block.9"), "Sequential has no attribute `9`"),
        (lambda m: m.get_submodule("training"), "`training` is not an nn.Module"),
        (lambda m: m.get_parameter("l1.nope"), "Linear has no attribute `nope`"),
        (lambda m: m.get_parameter("scale"), "`scale` is not an nn.Parameter"),
        (lambda m: m.get_buffer("l1.weight"), "`weight` is not a buffer"),
        (lambda m: m.set_submodule("nope", nn.ReLU(), strict=True), "Net has no attribute `nope`"),
        (lambda m: m.set_submodule("l1.weight", nn.ReLU()), "`weight` is not an nn.Module"),
    ],
)
def test_lookup_errors(call, text):
    with pytest.raises(AttributeError) as error:
        call(Net())
    assert str(error.value) == text


def test_set_submodule():
    m = Net()
    m.set_submodule("block.0", nn.ReLU())
    m.set_submodule("extra", nn.Tanh())
    assert isinstance(m.block[0], nn.ReLU) and isinstance(m.extra, nn.Tanh)
    with pytest.raises(ValueError, match="Cannot set the submodule without a target name!"):
        m.set_submodule("", nn.ReLU())
    with pytest.raises(ValueError, match=r"`module` is not an nn.Module, found <class 'int'>"):
        m.set_submodule("l1", 3)


# ---- traversal


def test_names_are_prefixed_in_registration_order():
    m = Net()
    assert names(m.named_parameters()) == [
        "l1.weight",
        "l1.bias",
        "block.0.weight",
        "block.0.bias",
        "block.1.weight",
        "block.1.bias",
    ]
    assert names(m.named_parameters("top", recurse=False)) == []
    assert names(m.named_buffers(prefix="top"))[:3] == ["top.scale", "top.cache", "top.block.1.running_mean"]
    assert names(m.named_modules()) == ["", "l1", "block", "block.0", "block.1"]
    assert names(m.named_children()) == ["l1", "block"]


def test_shared_members_come_once_unless_asked_for():
    shared = nn.Linear(2, 2)
    m = nn.Sequential(shared, shared)
    m.add_module("tied", nn.Linear(2, 2))
    m.tied.weight = shared.weight
    assert names(m.named_parameters()) == ["0.weight", "0.bias", "tied.bias"]
    assert len(list(m.named_parameters(remove_duplicate=False))) == 6
    assert len(list(m.modules())) == 3 and len(list(m.modules(remove_duplicate=False))) == 4
    assert len(list(m.children())) == 2


def test_named_modules_leaves_the_memo_out_and_fills_it():
    m = Net()
    memo = {m.block}
    assert names(m.named_modules(memo=memo)) == ["", "l1"]
    assert m.l1 in memo


def test_apply_visits_children_first():
    seen = []
    m = Net()
    assert m.apply(lambda x: seen.append(type(x).__name__)) is m
    assert seen == ["Linear", "Linear", "BatchNorm1d", "Sequential", "Net"]


# ---- modes, gradients


def test_train_and_eval_reach_all_children():
    m = Net().eval()
    assert not any(x.training for x in m.modules())
    assert m.train() is m and all(x.training for x in m.modules())
    with pytest.raises(ValueError, match=r"^training mode is expected to be boolean$"):
        m.train(1)


def test_requires_grad_and_zero_grad():
    m = Mutable()
    (m.p * m.p).sum().backward()
    grad = m.p.grad
    m.zero_grad(set_to_none=False)
    assert m.p.grad is grad and grad.tolist() == [0, 0]
    m.zero_grad()
    assert m.p.grad is None
    assert not m.requires_grad_(False).p.requires_grad


# ---- conversion


def test_conversions_change_floating_point_only_and_keep_parameters():
    m = Net()
    p = m.l1.weight
    assert m.double().l1.weight is p and p.dtype == torch.float64
    assert m.block[1].num_batches_tracked.dtype == torch.int64
    for name, dtype in (("half", torch.float16), ("bfloat16", torch.bfloat16), ("float", torch.float32)):
        assert getattr(m, name)().l1.weight.dtype == dtype and m.scale.dtype == dtype
    assert m.type(torch.float64).block[1].num_batches_tracked.dtype == torch.float64


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((torch.float64,), {}),
        ((), {"dtype": torch.float64}),
        (("cpu", torch.float64), {}),
        ((torch.device("cpu"),), {"dtype": torch.float64, "non_blocking": True}),
        ((torch.ones(1, dtype=torch.float64),), {}),
    ],
)
def test_all_forms_of_to(args, kwargs):
    assert Net().to(*args, **kwargs).l1.weight.dtype == torch.float64


def test_to_takes_what_a_tensors_to_takes_but_copy():
    like = torch.ones(1, dtype=torch.float64)
    parse = torch._C._nn._parse_to
    assert parse() == (None, None, False, None)
    assert parse(like, True) == parse(tensor=like, non_blocking=True) == (like.device, torch.float64, True, None)
    assert parse("meta", torch.half, memory_format=torch.channels_last) == (
        torch.device("meta"),
        torch.float16,
        False,
        torch.channels_last,
    )
    assert parse(None, torch.half) == parse(torch.half) == (None, torch.float16, False, None)
    for args, kwargs in (((), {"copy": True}), ((torch.half, False, True), {})):
        with pytest.raises(RuntimeError, match=r"^\.to\(\) does not accept copy argument"):
            Net().to(*args, **kwargs)
    for args, kwargs in (((3.5, 2), {}), ((), {"other": like}), (("cpu", True), {}), ((torch.half, "cpu"), {})):
        with pytest.raises(TypeError, match=r"^to\(\) received an invalid combination of arguments"):
            Net().to(*args, **kwargs)


def test_to_memory_format_concerns_images_and_volumes_only():
    m = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(2, 2)).to(memory_format=torch.channels_last)
    assert m[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_to_refuses_integers():
    with pytest.raises(
        TypeError,
        match=r"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int64",
    ):
        Net().to(torch.int64)


def test_conversion_takes_gradients_along():
    m = Mutable()
    (m.p * 3).sum().backward()
    m.double()
    assert m.p.grad.dtype == torch.float64 and m.p.grad.tolist() == [3, 3]


def test_meta_modules_and_to_empty():
    m = nn.Linear(2, 3, device="meta")
    with pytest.raises(NotImplementedError, match=r"Please use torch.nn.Module.to_empty\(\) instead"):
        m.to("cpu")
    m = m.to_empty(device="cpu")
    assert m.weight.device.type == "cpu" and m.weight.shape == (3, 2)


def test_complex_modules_warn():
    with pytest.warns(UserWarning, match="Complex modules are a new feature"):
        assert nn.Linear(2, 2).to(torch.complex64).weight.is_complex()


# ---- printing


def test_repr_of_a_tree():
    m = Net()
    m.empty = Empty()
    assert repr(m) == (
        "Net(\n"
        "  (l1): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (block): Sequential(\n"
        "    (0): Linear(in_features=4, out_features=4, bias=True)\n"
        "    (1): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  )\n"
        "  (empty): Empty()\n"
        ")"
    )


def test_repr_with_extra_lines():
    class Extra(nn.Module):
        def extra_repr(self):
            return "a=1\nb=2"

    assert repr(Extra()) == "Extra(\n  a=1\n  b=2\n)"


# ---- copies and pickles


def test_deepcopy_and_pickle_keep_values_and_are_independent():
    m = Net().eval()
    for twin in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert not twin.training
        assert torch.equal(twin.l1.weight, m.l1.weight) and twin.l1.weight is not m.l1.weight
        assert isinstance(twin.l1.weight, nn.Parameter) and twin.l1.weight.requires_grad
        assert list(twin.state_dict()) == list(m.state_dict())


def test_deepcopy_keeps_sharing():
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    m[1].weight = m[0].weight
    twin = copy.deepcopy(m)
    assert twin[0].weight is twin[1].weight


def test_old_pickles_get_the_tables_they_lack():
    m = nn.ReLU()
    state = {k: v for k, v in m.__getstate__().items() if "hooks" not in k and k != "_non_persistent_buffers_set"}
    fresh = nn.ReLU.__new__(nn.ReLU)
    fresh.__setstate__({**state, "_forward_hooks": {}, "_backward_hooks": {}})
    assert fresh(torch.ones(1)).tolist() == [1]
    assert fresh.state_dict() == {}


# ---- parameters


def test_parameter_defaults_and_sharing():
    data = torch.ones(2)
    p = nn.Parameter(data)
    assert p.requires_grad and p.is_leaf and p.data_ptr() == data.data_ptr()
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    with torch.no_grad():
        assert nn.Parameter(torch.ones(1)).requires_grad
    assert isinstance(p, torch.Tensor) and type(p + 1) is torch.Tensor


def test_parameter_of_a_tensor_subclass_keeps_the_class():
    class Special(torch.Tensor):
        pass

    p = nn.Parameter(torch.ones(2).as_subclass(Special))
    assert type(p) is Special and isinstance(p, nn.Parameter)
    m = Empty()
    m.p = p
    assert list(m._parameters) == ["p"]


def test_parameter_deepcopy_and_pickle_keep_attributes():
    p = nn.Parameter(torch.ones(2), requires_grad=False)
    p.tag = "x"
    twin = pickle.loads(pickle.dumps(p))
    assert twin.tag == "x" and not twin.requires_grad and isinstance(twin, nn.Parameter)
    assert not copy.deepcopy(p).requires_grad


def test_ordinary_use_gives_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Net()(torch.randn(4, 3)).sum().backward()
