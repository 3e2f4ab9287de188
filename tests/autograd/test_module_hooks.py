"""The full backward hooks of a module call."""

import pytest

import rustorch as torch
from rustorch.utils.hooks import BackwardHook, RemovableHandle


def call(x, hooks=(), pre_hooks=()):
    """A module that doubles, with hooks on its call."""
    hook = BackwardHook("module", list(hooks), list(pre_hooks))
    (x,) = hook.setup_input_hook((x,))
    return hook.setup_output_hook(x * 2)


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_hook_sees_both_gradients_and_may_replace_the_input_gradient():
    seen = []

    def hook(module, grad_in, grad_out):
        seen.append((module, grad_in[0].tolist(), grad_out[0].tolist()))
        return (grad_in[0] * 10,)

    x = leaf(1.0)
    (call(x, [hook]) * 3).sum().backward()
    assert seen == [("module", [6.0], [3.0])]
    assert x.grad.tolist() == [60.0]


def test_pre_hook_may_replace_the_output_gradient():
    x = leaf(1.0)
    call(x, pre_hooks=[lambda module, grad_out: (grad_out[0] * 5,)]).sum().backward()
    assert x.grad.tolist() == [10.0]


def test_without_inputs_that_need_gradients_hooks_run_at_the_output():
    seen = []
    weight = leaf(2.0)
    hook = BackwardHook("module", [lambda m, gi, go: seen.append((gi, go[0].tolist()))], [])
    (x,) = hook.setup_input_hook((torch.ones(1),))
    out = hook.setup_output_hook(x * weight)
    with pytest.warns(UserWarning, match="Full backward hook is firing when gradients are computed"):
        out.sum().backward()
    assert seen == [((None,), [1.0])]
    assert weight.grad.tolist() == [1.0]


def test_wrong_number_of_gradients_is_an_error():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        call(x, [lambda m, gi, go: (gi[0], gi[0])]).sum().backward()


def test_handle_removes_its_hook_once_and_in_a_block():
    import collections

    table = collections.OrderedDict()
    handle = RemovableHandle(table)
    table[handle.id] = print
    handle.remove()
    handle.remove()
    assert not table
    with RemovableHandle(table) as handle:
        table[handle.id] = print
    assert not table
