"""Hooks of modules: every kind, for one module and for all."""

import copy
import gc
import weakref

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn.modules import module as registry


class Scale(nn.Module):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x, shift=0):
        return x * self.factor + shift


class Raises(nn.Module):
    def forward(self, x):
        raise RuntimeError("forward failed")


# ---- forward pre-hooks


def test_forward_pre_hook_replaces_arguments_and_wraps_a_single_value():
    m = Scale()
    m.register_forward_pre_hook(lambda mod, args: args[0] + 1)
    assert m(torch.ones(1)).item() == 4


def test_forward_pre_hook_with_kwargs():
    m = Scale()
    m.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"shift": kwargs["shift"] * 10}), with_kwargs=True)
    assert m(torch.ones(1), shift=1).item() == 12


def test_forward_pre_hook_with_kwargs_has_to_return_a_pair():
    m = Scale()
    m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
    text = r"forward pre-hook must return None or a tuple of \(new_args, new_kwargs\), but got 3."
    with pytest.raises(RuntimeError, match=text):
        m(torch.ones(1))


# ---- forward hooks


def test_forward_hook_sees_and_replaces_the_output():
    m, seen = Scale(), []
    m.register_forward_hook(lambda mod, args, out: seen.append((mod, args[0].item(), out.item())))
    m.register_forward_hook(lambda mod, args, out: out + 100)
    assert m(torch.ones(1)).item() == 102
    assert seen == [(m, 1, 2)]


def test_forward_hook_with_kwargs():
    m, seen = Scale(), []
    m.register_forward_hook(lambda mod, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    m(torch.ones(1), shift=5)
    assert seen == [{"shift": 5}]


def test_prepend_and_order_with_global_hooks():
    m, order = nn.ReLU(), []
    m.register_forward_hook(lambda *_: order.append("first"))
    m.register_forward_hook(lambda *_: order.append("prepended"), prepend=True)
    handle = registry.register_module_forward_hook(lambda *_: order.append("global"))
    with handle:
        m(torch.ones(1))
    assert order == ["global", "prepended", "first"]


def test_removed_hooks_do_not_run_and_tables_are_empty():
    m = nn.ReLU()
    handles = [
        m.register_forward_hook(lambda *a: None, with_kwargs=True, always_call=True),
        m.register_forward_pre_hook(lambda *a: None, with_kwargs=True),
        m.register_full_backward_hook(lambda *a: None),
        m.register_full_backward_pre_hook(lambda *a: None),
    ]
    for handle in handles:
        handle.remove()
        handle.remove()
    tables = [v for k, v in m.__dict__.items() if "_hooks" in k and hasattr(v, "items")]
    assert tables and not any(tables)


# ---- always_call


def test_always_call_hook_runs_after_an_error():
    m, seen = Raises(), []
    m.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    m.register_forward_hook(lambda mod, args, out: seen.append("not me"))
    with pytest.raises(RuntimeError, match="forward failed"):
        m(1)
    assert seen == [None]


def test_always_call_hook_runs_once_when_another_hook_raises():
    m, seen = Scale(), []

    def fail(*_):
        raise RuntimeError("hook failed")

    m.register_forward_hook(lambda *_: seen.append(1), always_call=True)
    m.register_forward_hook(fail)
    m.register_forward_hook(lambda *_: seen.append(2), always_call=True)
    with pytest.raises(RuntimeError, match="hook failed"):
        m(torch.ones(1))
    assert seen == [1, 2]


def test_error_in_an_always_call_hook_is_a_warning():
    m = Raises()

    def fail(*_):
        raise ValueError("second error")

    m.register_forward_hook(fail, always_call=True)
    with pytest.warns(UserWarning, match="raised an exception that was silenced"), pytest.raises(RuntimeError):
        m(1)


def test_global_always_call_hook():
    seen = []
    with (
        registry.register_module_forward_hook(lambda *_: seen.append(1), always_call=True),
        pytest.raises(RuntimeError, match="forward failed"),
    ):
        Raises()(1)
    assert seen == [1]


# ---- backward hooks


def test_full_backward_hook_sees_both_gradients():
    m, seen = Scale(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi[0].item(), gi[1], go[0].item())))
    x = torch.ones(1, requires_grad=True)
    m(x, 0).backward()
    assert seen == [(2, None, 1)]


def test_full_backward_hook_replaces_the_gradient():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 10,))
    x = torch.ones(1, requires_grad=True)
    m(x).backward()
    assert x.grad.item() == 20


def test_full_backward_pre_hook_replaces_the_output_gradient():
    m, seen = Scale(), []
    m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 3,))
    m.register_full_backward_hook(lambda mod, gi, go: seen.append(go[0].item()))
    x = torch.ones(1, requires_grad=True)
    m(x).backward()
    assert x.grad.item() == 6 and seen == [3]


def test_full_backward_hook_with_a_wrong_number_of_gradients():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(
        RuntimeError, match="Backward hook returned an invalid number of grad_input, got 2, but expected 1"
    ):
        m(x).backward()


def test_full_backward_hook_without_inputs_that_require_grad():
    m, seen = Scale(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].item())))
    with pytest.warns(UserWarning, match="Full backward hook is firing when gradients are computed"):
        m(torch.ones(1)).backward()
    assert seen == [((None,), 1)]


def test_backward_hooks_run_without_grad_mode_too():
    m, seen = Scale(), []
    m.register_full_backward_hook(lambda *_: seen.append(1))
    with torch.no_grad():
        assert m(torch.ones(1)).item() == 2
    assert seen == []


def test_backward_hook_on_several_outputs():
    class Two(nn.Module):
        def forward(self, x, y):
            return x * 2, y * 3

    m, seen = Two(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append([g.item() for g in gi + go]))
    x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    a, b = m(x, y)
    (a + 10 * b).backward()
    assert seen == [[2, 30, 1, 10]]


def test_backward_hook_wants_a_tensor_or_tuple():
    class Dict(nn.Module):
        def forward(self, x):
            return {"y": x}

    m = Dict()
    m.register_full_backward_hook(lambda *_: None)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors"):
        m(torch.ones(1, requires_grad=True))


def test_old_style_backward_hook():
    m, seen = Scale(), []
    m.register_backward_hook(lambda mod, gi, go: seen.append((mod, go[0].item())))
    x = torch.ones(1, requires_grad=True)
    with pytest.warns(FutureWarning, match="Using a non-full backward hook when the forward contains multiple"):
        m(x, shift=1).backward()
    assert seen == [(m, 1)]


@pytest.mark.parametrize(("first", "second"), [("", "_full"), ("_full", "")])
def test_the_two_kinds_of_backward_hooks_do_not_mix(first, second):
    m = Scale()
    getattr(m, f"register{first}_backward_hook")(lambda *_: None)
    with pytest.raises(
        RuntimeError, match="Cannot use both regular backward hooks and full backward hooks on a single"
    ):
        getattr(m, f"register{second}_backward_hook")(lambda *_: None)


def test_global_full_backward_hooks():
    seen = []
    x = torch.ones(1, requires_grad=True)
    with (
        registry.register_module_full_backward_hook(lambda mod, gi, go: seen.append(type(mod).__name__)),
        registry.register_module_full_backward_pre_hook(lambda mod, go: seen.append("pre")),
    ):
        nn.Sequential(Scale(), nn.Identity())(x).backward()
    # Sequential's own node is the outermost one.
    assert seen.count("pre") == 3 and sorted(s for s in seen if s != "pre") == ["Identity", "Scale", "Sequential"]
    with pytest.raises(RuntimeError, match="as a global Module hook"):
        registry.register_module_backward_hook(lambda *_: None)


def test_global_forward_pre_hook():
    with registry.register_module_forward_pre_hook(lambda mod, args: (args[0] + 1,)):
        assert Scale()(torch.ones(1)).item() == 4
    assert Scale()(torch.ones(1)).item() == 2


# ---- registration hooks


def test_registration_hooks_can_replace_what_is_registered():
    replaced = nn.Linear(1, 1)
    buffer = torch.zeros(3)
    param = nn.Parameter(torch.zeros(4))
    m = nn.Module()
    with (
        registry.register_module_module_registration_hook(lambda mod, name, sub: replaced if name == "sub" else None),
        registry.register_module_buffer_registration_hook(lambda mod, name, b: buffer),
        registry.register_module_parameter_registration_hook(lambda mod, name, p: param),
    ):
        m.sub = nn.ReLU()
        m.register_buffer("b", torch.ones(1))
        m.p = nn.Parameter(torch.ones(1))
    assert m.sub is replaced and m.b is buffer and m.p is param


# ---- lifetime


def test_hooks_do_not_keep_the_module_alive():
    m = Scale()
    m._register_load_state_dict_pre_hook(lambda *_: None, with_module=True)
    m.register_full_backward_hook(lambda *_: None)
    m(torch.ones(1, requires_grad=True)).backward()
    ref = weakref.ref(m)
    del m
    gc.collect()
    assert ref() is None


def test_hooks_are_copied_with_the_module():
    m = nn.ReLU()
    m.register_forward_hook(lambda mod, args, out: out + 1)
    twin = copy.deepcopy(m)
    assert twin(torch.ones(1)).item() == 2
    twin._forward_hooks.clear()
    assert m(torch.ones(1)).item() == 2
