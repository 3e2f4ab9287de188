"""nn.utils: clipping, vectors, parametrizations, hooks on weights, pruning, fusion, functional calls."""

import copy
import pickle

import pytest
from conftest import close

import rustorch as torch
from rustorch import nn
from rustorch.nn import utils
from rustorch.nn.utils import parametrizations, parametrize, prune, stateless


def with_grads(*grads):
    params = []
    for grad in grads:
        p = nn.Parameter(torch.zeros(len(grad)))
        p.grad = torch.tensor(grad)
        params.append(p)
    return params


# ---- clipping


@pytest.mark.parametrize("foreach", [None, False, True])
@pytest.mark.parametrize(("norm_type", "total"), [(2, 5.0), (1, 7.0), (float("inf"), 4.0)])
def test_clip_grad_norm(norm_type, total, foreach):
    params = with_grads([3.0], [4.0, 0.0])
    assert close(utils.clip_grad_norm_(params, 1.0, norm_type, foreach=foreach), torch.tensor(total))
    assert close(params[0].grad, torch.tensor([3.0 / total])) and close(params[1].grad[:1], torch.tensor([4.0 / total]))


def test_clip_grad_norm_leaves_small_gradients_and_missing_ones():
    (p,) = with_grads([0.3, 0.4])
    assert close(utils.clip_grad_norm_([p, nn.Parameter(torch.zeros(1))], 1.0), torch.tensor(0.5))
    assert close(p.grad, torch.tensor([0.3, 0.4]))
    assert utils.clip_grad_norm_([], 1.0) == 0
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        utils.clip_grad_norm_((p for p in ()), 1.0)


def test_non_finite_norm():
    (p,) = with_grads([float("inf")])
    with pytest.raises(
        RuntimeError, match=r"The total norm of order 2.0 for gradients from `parameters` is non-finite"
    ):
        utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    utils.clip_grad_norm_([p], 1.0)


def test_clip_in_two_steps_and_by_value():
    params = with_grads([3.0], [4.0])
    total = utils.get_total_norm([p.grad for p in params])
    utils.clip_grads_with_norm_(params, 2.5, total)
    assert close(torch.cat([p.grad for p in params]), torch.tensor([1.5, 2.0]))
    utils.clip_grad_value_(params, 1.75)
    assert close(torch.cat([p.grad for p in params]), torch.tensor([1.5, 1.75]))


def test_parameters_as_a_vector():
    m, twin = nn.Linear(2, 3), nn.Linear(2, 3)
    vector = utils.parameters_to_vector(m.parameters())
    utils.vector_to_parameters(vector, twin.parameters())
    assert torch.equal(twin.weight, m.weight) and torch.equal(twin.bias, m.bias)
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: list"):
        utils.vector_to_parameters([], m.parameters())


def test_skip_init():
    m = utils.skip_init(nn.Linear, 2, 3)
    assert m.weight.shape == (3, 2) and m.weight.device.type == "cpu"
    with pytest.raises(RuntimeError, match="Module must support a 'device' arg to skip initialization"):
        utils.skip_init(nn.ReLU)


# ---- parametrizations


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


def test_parametrized_weight_is_computed_and_assignable():
    m = nn.Linear(3, 3)
    original = m.weight
    parametrize.register_parametrization(m, "weight", Symmetric())
    assert type(m).__name__ == "ParametrizedLinear" and isinstance(m, nn.Linear)
    assert torch.equal(m.weight, m.weight.mT) and m.parametrizations.weight.original is original
    m.weight = torch.eye(3)
    assert torch.equal(m.weight, torch.eye(3))
    m(torch.randn(2, 3)).sum().backward()
    assert original.grad is not None
    assert [n for n, _ in m.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert repr(m) == (
        "ParametrizedLinear(\n"
        "  in_features=3, out_features=3, bias=True\n"
        "  (parametrizations): ModuleDict(\n"
        "    (weight): ParametrizationList(\n"
        "      (0): Symmetric()\n"
        "    )\n"
        "  )\n"
        ")"
    )


def test_parametrizations_chain_and_come_off():
    m = nn.Linear(3, 3)
    value = m.weight.detach().clone()
    parametrize.register_parametrization(m, "weight", Double())
    parametrize.register_parametrization(m, "weight", Double())
    assert close(m.weight, 2 * value)  # appended ones act on what is there
    assert parametrize.is_parametrized(m) and not parametrize.is_parametrized(m, "bias")
    assert parametrize.type_before_parametrizations(m) is nn.Linear
    parametrize.remove_parametrizations(m, "weight")
    assert type(m) is nn.Linear and isinstance(m.weight, nn.Parameter) and close(m.weight, 2 * value)


def test_parametrization_cache():
    calls = []

    class Count(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x

    m = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Count())
    calls.clear()
    with parametrize.cached():
        assert m.weight is m.weight
    assert len(calls) == 1
    _ = m.weight
    assert len(calls) == 2


def test_parametrization_errors():
    class Shape(nn.Module):
        def forward(self, x):
            return x[:1]

    with pytest.raises(ValueError, match="Registering a parametrization may not change the shape of the tensor"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", Shape())
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or a parametrized element with name"):
        parametrize.register_parametrization(nn.Linear(2, 2), "nope", Shape())
    with pytest.raises(ValueError, match="does not have a parametrization on weight"):
        parametrize.remove_parametrizations(nn.Linear(2, 2), "weight")
    m = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    with pytest.raises(
        RuntimeError, match="Serialization of parametrized modules is only supported through state_dict"
    ):
        pickle.dumps(m)
    twin = copy.deepcopy(m)
    assert torch.equal(twin.weight, m.weight)
    twin.load_state_dict(m.state_dict())


def test_transfer_parametrizations():
    a, b = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double()), nn.Linear(2, 2)
    parametrize.transfer_parametrizations_and_params(a, b)
    assert b.parametrizations.weight.original is a.parametrizations.weight.original and torch.equal(a.weight, b.weight)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_splits_length_and_direction(dim):
    m = nn.Linear(3, 4)
    weight = m.weight.detach().clone()
    parametrizations.weight_norm(m, dim=dim)
    assert close(m.weight, weight)
    with torch.no_grad():
        m.parametrizations.weight.original0.mul_(3)
    assert close(m.weight, 3 * weight)
    with pytest.warns(FutureWarning, match="`torch.nn.utils.weight_norm` is deprecated"):
        old = utils.weight_norm(nn.Linear(3, 4), dim=dim)
    assert [n for n, _ in old.named_parameters()] == ["bias", "weight_g", "weight_v"]
    m.load_state_dict(old.state_dict())
    x = torch.randn(2, 3)
    assert close(m(x), old(x))
    utils.remove_weight_norm(old)
    assert isinstance(old.weight, nn.Parameter) and close(m(x), old(x))


def test_spectral_norm_has_largest_singular_value_one():
    for make in (parametrizations.spectral_norm, utils.spectral_norm):
        m = make(nn.Linear(5, 4), n_power_iterations=30)
        x = torch.randn(2, 5)
        m(x)
        assert abs(torch.linalg.matrix_norm(m.weight, 2).item() - 1) < 1e-3
        m.eval()
        assert torch.equal(m(x), m(x))


def test_old_spectral_norm_keys_and_removal():
    m = utils.spectral_norm(nn.Conv2d(2, 3, 3))
    assert list(m.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert m.state_dict()._metadata[""]["spectral_norm"] == {"weight.version": 1}
    m.load_state_dict(m.state_dict())
    utils.remove_spectral_norm(m)
    assert sorted(m.state_dict()) == ["bias", "weight"]
    assert not (m._forward_pre_hooks or m._state_dict_hooks)
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found in"):
        utils.remove_spectral_norm(m)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("name", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_weights(name, shape):
    m = parametrizations.orthogonal(nn.Linear(shape[1], shape[0]).double(), orthogonal_map=name)

    def error(w):
        w = w if w.size(0) >= w.size(1) else w.mT
        return (w.mT @ w - torch.eye(w.size(1), dtype=w.dtype)).abs().max()

    assert error(m.weight) < 1e-9
    with torch.no_grad():
        # The diagonal of householder's original holds signs.
        m.parametrizations.weight.original.add_(0.1 * torch.randn(shape, dtype=torch.float64).tril(-1))
    assert error(m.weight) < 1e-9
    wanted = nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64))
    m.weight = wanted
    assert close(m.weight, wanted, 1e-9)


# ---- pruning


def test_l1_pruning_masks_the_smallest_entries():
    m = nn.Linear(3, 2)
    with torch.no_grad():
        m.weight.copy_(torch.tensor([[1.0, -5.0, 2.0], [4.0, 0.5, 3.0]]))
    prune.l1_unstructured(m, "weight", amount=2)
    assert m.weight_mask.tolist() == [[0, 1, 1], [1, 0, 1]]
    assert [n for n, _ in m.named_parameters()] == ["bias", "weight_orig"] and prune.is_pruned(m)
    prune.l1_unstructured(m, "weight", amount=0.25)  # of the 4 that are left
    assert m.weight_mask.sum() == 3 and m.weight[0, 2] == 0
    m(torch.ones(1, 3)).sum().backward()
    assert (m.weight_orig.grad[m.weight_mask == 0] == 0).all()
    prune.remove(m, "weight")
    assert not prune.is_pruned(m) and isinstance(m.weight, nn.Parameter) and (m.weight == 0).sum() == 3


def test_structured_pruning_takes_whole_channels():
    m = nn.Linear(4, 6)
    prune.ln_structured(m, "weight", amount=2, n=2, dim=0)
    assert (m.weight_mask.sum(1) == 0).sum() == 2
    prune.random_structured(m, "weight", amount=1, dim=1)
    assert (m.weight_mask.sum(0) == 0).sum() == 1


def test_global_and_custom_pruning():
    m = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    prune.global_unstructured([(m[0], "weight"), (m[1], "weight")], prune.L1Unstructured, amount=0.5)
    assert m[0].weight_mask.sum() + m[1].weight_mask.sum() == 10
    mask = torch.zeros(4)
    prune.custom_from_mask(m[0], "bias", mask)
    assert m[0].bias.tolist() == [0] * 4
    with pytest.raises(ValueError, match="amount=9 should be smaller than the number of parameters to prune=2"):
        prune.random_unstructured(m[1], "bias", amount=9)
    assert "bias" in m[1]._parameters  # as it was
    with pytest.raises(ValueError, match="should either be a float in the range"):
        prune.random_unstructured(m[1], "bias", amount=1.5)


# ---- fusion and functional calls


@pytest.mark.parametrize("conv", [nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3, bias=False), nn.ConvTranspose2d(3, 4, 3)])
def test_fused_convolution_computes_the_same(conv):
    bn = nn.BatchNorm2d(4)
    x = torch.randn(2, 3, 6, 6)
    bn(conv(x))
    conv.eval(), bn.eval()
    fused = utils.fuse_conv_bn_eval(conv, bn, transpose=isinstance(conv, nn.ConvTranspose2d))
    assert close(fused(x), bn(conv(x)), 1e-4)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        utils.fuse_conv_bn_eval(conv.train(), bn)


def test_fused_linear_computes_the_same():
    linear, bn, x = nn.Linear(3, 4), nn.BatchNorm1d(4), torch.randn(6, 3)
    bn(linear(x))
    linear.eval(), bn.eval()
    assert close(utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)))


def test_functional_call_swaps_tensors_and_puts_them_back():
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    m[1].weight = m[0].weight
    own = m[0].weight
    x = torch.ones(1, 2)
    zero = {"0.weight": torch.zeros(2, 2), "0.bias": torch.zeros(2), "1.bias": torch.ones(2)}
    with pytest.warns(FutureWarning, match="Please use `torch.func.functional_call` instead"):
        y = stateless.functional_call(m, zero, x)
    assert y.tolist() == [[1, 1]] and m[0].weight is own and m[1].weight is own
    with pytest.raises(
        RuntimeError, match=r"Error\(s\) in reparametrizing for Sequential:\n\tUnexpected key\(s\): 'z'."
    ):
        stateless._functional_call(m, {"z": x}, x, strict=True)
    with pytest.raises(ValueError, match=r"functional_call got multiple values for keys \['0.weight', '1.weight'\]"):
        stateless._functional_call(m, {"0.weight": x, "1.weight": own}, x)


def test_convert_weight_memory_format():
    m = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(2, 2))
    assert utils.convert_conv2d_weight_memory_format(m, torch.channels_last) is m
    assert m[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_random_state_is_frozen_as_torchs_own_tests_do_it():
    with torch.utils._mode_utils.no_dispatch(), torch._C._DisableFuncTorch():
        assert torch.ones(1).item() == 1
    assert torch.utils._mode_utils.all_same_mode([1, 1])
