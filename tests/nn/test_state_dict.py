"""state_dict and load_state_dict: names, strictness, texts, hooks, extra state, versions."""

from collections import OrderedDict

import pytest

import rustorch as torch
from rustorch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.l1 = nn.Linear(2, width)
        self.bn = nn.BatchNorm1d(width)


class WithExtra(nn.Module):
    def __init__(self, extra=None):
        super().__init__()
        self.extra = extra

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, state):
        self.extra = state


KEYS = ["l1.weight", "l1.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"]


def test_keys_values_and_metadata():
    m = Net()
    sd = m.state_dict()
    assert type(sd) is OrderedDict and list(sd) == KEYS
    assert not sd["l1.weight"].requires_grad and sd["l1.weight"].data_ptr() == m.l1.weight.data_ptr()
    assert m.state_dict(keep_vars=True)["l1.weight"] is m.l1.weight
    assert dict(sd._metadata) == {"": {"version": 1}, "l1": {"version": 1}, "bn": {"version": 2}}


def test_prefix_and_destination():
    destination = OrderedDict(a=1)
    assert nn.Linear(1, 1).state_dict(destination=destination, prefix="x.") is destination
    assert list(destination) == ["a", "x.weight", "x.bias"]


def test_positional_arguments_are_deprecated():
    with pytest.warns(FutureWarning, match="Positional args are being deprecated, use kwargs instead"):
        assert list(nn.Linear(1, 1).state_dict(OrderedDict(), "x.")) == ["x.weight", "x.bias"]


def test_load_copies_in_place():
    a, b = Net(), Net()
    weight = b.l1.weight
    result = b.load_state_dict(a.state_dict())
    assert b.l1.weight is weight and torch.equal(a.l1.weight, weight)
    assert str(result) == repr(result) == "<All keys matched successfully>"


def test_load_with_assign_takes_the_tensors():
    m, sd = Net(), Net().state_dict()
    m.requires_grad_(False)
    m.load_state_dict(sd, assign=True)
    assert m.l1.weight.data_ptr() == sd["l1.weight"].data_ptr()
    assert isinstance(m.l1.weight, nn.Parameter) and not m.l1.weight.requires_grad
    assert m.bn.running_mean is sd["bn.running_mean"]


def test_strict_error_lists_everything():
    m, sd = Net(), Net().state_dict()
    del sd["l1.bias"]
    sd["l1.weight"] = torch.zeros(3, 3)
    sd["more"], sd["other.x"] = torch.zeros(1), torch.zeros(1)
    with pytest.raises(RuntimeError) as error:
        m.load_state_dict(sd)
    assert str(error.value) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tMissing key(s) in state_dict: "l1.bias". \n'
        '\tUnexpected key(s) in state_dict: "more", "other.x". \n'
        "\tsize mismatch for l1.weight: copying a param with shape torch.Size([3, 3]) from checkpoint, "
        "the shape in current model is torch.Size([4, 2])."
    )


def test_not_strict_returns_the_keys():
    sd = Net().state_dict()
    del sd["l1.bias"]
    sd["more"] = torch.zeros(1)
    result = Net().load_state_dict(sd, strict=False)
    assert result.missing_keys == ["l1.bias"] and result.unexpected_keys == ["more"]
    assert repr(result) == "_IncompatibleKeys(missing_keys=['l1.bias'], unexpected_keys=['more'])"


def test_shape_errors_are_raised_even_if_not_strict():
    sd = Net(3).state_dict()
    with pytest.raises(RuntimeError, match=r"size mismatch for bn.running_mean"):
        Net().load_state_dict(sd, strict=False)


def test_wrong_types():
    with pytest.raises(TypeError, match=r"Expected state_dict to be dict-like, got <class 'list'>."):
        Net().load_state_dict([])
    sd = nn.Linear(1, 1).state_dict()
    sd["bias"] = 3
    text = "expected torch.Tensor or Tensor-like object from checkpoint but received <class 'int'>"
    with pytest.raises(RuntimeError, match=text):
        nn.Linear(1, 1).load_state_dict(sd)


def test_one_element_loads_into_a_scalar():
    m = nn.Module()
    m.s = nn.Parameter(torch.tensor(0.0))
    m.load_state_dict({"s": torch.tensor([5.0])})
    assert m.s.item() == 5 and m.s.shape == ()


def test_copy_error_is_reported_with_its_cause():
    m = nn.Linear(2, 2)
    sd = {"weight": torch.zeros(2, 2, device="meta"), "bias": torch.zeros(2)}
    with pytest.raises(RuntimeError) as error:
        m.load_state_dict(sd)
    assert 'While copying the parameter named "weight", whose dimensions in the model are torch.Size([2, 2])' in str(
        error.value
    )


def test_memory_takes_nothing_from_a_meta_tensor():
    x = torch.ones(2)
    with pytest.raises(NotImplementedError, match=r"^Cannot copy out of meta tensor; no data!"):
        x.copy_(torch.zeros(2, device="meta"))
    assert x.tolist() == [1, 1]


def test_loading_into_meta_warns_unless_assigned():
    sd = nn.Linear(2, 2).state_dict()
    with pytest.warns(UserWarning, match="which is a no-op"):
        nn.Linear(2, 2, device="meta").load_state_dict(sd)
    m = nn.Linear(2, 2, device="meta")
    m.load_state_dict(sd, assign=True)
    assert m.weight.device.type == "cpu" and m.weight.requires_grad


def test_non_persistent_buffers_are_neither_saved_nor_expected():
    m = nn.Module()
    m.register_buffer("b", torch.ones(1), persistent=False)
    assert m.state_dict() == {}
    with pytest.raises(RuntimeError, match='Unexpected key\\(s\\) in state_dict: "b"'):
        m.load_state_dict({"b": torch.zeros(1)})


# ---- extra state


def test_extra_state_round_trip():
    m = nn.Sequential(WithExtra({"a": 1}))
    sd = m.state_dict()
    assert sd == {"0._extra_state": {"a": 1}}
    other = nn.Sequential(WithExtra())
    other.load_state_dict(sd)
    assert other[0].extra == {"a": 1}


def test_extra_state_missing_or_unexpected():
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        nn.Sequential(WithExtra()).load_state_dict({})
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "0._extra_state"'):
        nn.Sequential(nn.ReLU()).load_state_dict({"0._extra_state": 1})


def test_extra_state_methods_are_abstract():
    with pytest.raises(RuntimeError, match=r"Reached a code path in Module.get_extra_state"):
        nn.ReLU().get_extra_state()
    with pytest.raises(RuntimeError, match=r"Reached a code path in Module.set_extra_state"):
        nn.ReLU().set_extra_state(1)


# ---- hooks


def test_state_dict_hooks_run_in_order():
    m, seen = nn.Linear(1, 1), []
    m.register_state_dict_pre_hook(lambda mod, prefix, keep_vars: seen.append(("pre", mod, prefix, keep_vars)))
    m.register_state_dict_post_hook(lambda mod, sd, prefix, meta: sd.pop(prefix + "bias") and None)
    top = nn.Sequential(m)
    assert list(top.state_dict()) == ["0.weight"]
    assert seen == [("pre", m, "0.", False)]


def test_private_state_dict_hook_may_replace_the_dict():
    m = nn.Linear(1, 1)
    m._register_state_dict_hook(lambda mod, sd, prefix, meta: {"all": 1})
    assert m.state_dict() == {"all": 1}


def test_state_dict_post_hook_must_return_none():
    m = nn.Linear(1, 1)

    def hook(*_):
        return 1

    m.register_state_dict_post_hook(hook)
    with pytest.raises(RuntimeError, match=r"^state_dict post-hook must return None$"):
        m.state_dict()
    with pytest.raises(RuntimeError, match="Cannot register the same function as the state dict post hook"):
        m._register_state_dict_hook(hook)


def test_load_pre_hook_changes_the_dict():
    m = nn.Sequential(nn.Linear(1, 1))
    seen = []

    def rename(module, state_dict, prefix, *_):
        seen.append(module)
        state_dict[prefix + "bias"] = state_dict.pop(prefix + "b")

    m[0].register_load_state_dict_pre_hook(rename)
    m.load_state_dict({"0.weight": torch.ones(1, 1), "0.b": torch.ones(1)})
    assert m[0].bias.item() == 1 and seen == [m[0]]


def test_private_load_pre_hook_without_module():
    m, seen = nn.Linear(1, 1), []
    m._register_load_state_dict_pre_hook(lambda sd, prefix, meta, strict, *_: seen.append((prefix, strict)))
    m.load_state_dict(m.state_dict())
    assert seen == [("", True)]


def test_load_post_hook_may_forgive_keys():
    m = nn.Sequential(nn.Linear(1, 1))
    m[0].register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
    m.load_state_dict({})
    m[0].register_load_state_dict_post_hook(lambda mod, keys: 1)
    with pytest.raises(AssertionError, match="are not expected to return new values"):
        m.load_state_dict({})


# ---- versions


def test_batch_norm_before_version_2_lacks_the_counter():
    m = nn.BatchNorm1d(2)
    sd = m.state_dict()
    del sd["num_batches_tracked"]
    sd._metadata[""]["version"] = 1
    m.load_state_dict(sd)
    sd = m.state_dict()
    del sd["num_batches_tracked"]
    with pytest.raises(RuntimeError, match='Missing key\\(s\\) in state_dict: "num_batches_tracked"'):
        m.load_state_dict(sd)


def test_instance_norm_refuses_old_running_statistics():
    m = nn.InstanceNorm1d(2)
    with pytest.raises(RuntimeError, match='Unexpected running stats buffer\\(s\\) "running_mean" for InstanceNorm1d'):
        m.load_state_dict({"running_mean": torch.zeros(2)})


def test_consume_prefix():
    sd = nn.Sequential(OrderedDict(module=nn.Linear(1, 1))).state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(sd, "module.")
    assert list(sd) == ["weight", "bias"]
    nn.Linear(1, 1).load_state_dict(sd)


def test_swap_on_conversion_keeps_identity():
    future = torch.__future__
    future.set_swap_module_params_on_conversion(True)
    try:
        assert future.get_swap_module_params_on_conversion()
    finally:
        future.set_swap_module_params_on_conversion(False)
    assert not future.get_swap_module_params_on_conversion()
