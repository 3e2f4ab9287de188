"""Names that are private in torch and that public programs import all the same."""

import contextlib
import importlib
import warnings

import pytest

import rustorch as torch
from rustorch import nn

# module: names; each is there in torch 2.13 too.
NAMES = {
    "nn.functional": "_Reduction _pair _single _triple _list_with_default _get_softmax_dim _VF boolean_dispatch Tensor "
    "handle_torch_function has_torch_function has_torch_function_unary has_torch_function_variadic Optional Callable",
    "nn.init": "_no_grad_trunc_normal_ _no_grad_normal_ _no_grad_uniform_ _no_grad_fill_ _no_grad_zero_ "
    "_calculate_fan_in_and_fan_out _calculate_correct_fan",
    "nn.modules.utils": "_pair _single _triple _ntuple _quadruple _reverse_repeat_tuple",
    "nn.modules.module": "_addindent _IncompatibleKeys _global_forward_hooks",
    "optim.lr_scheduler": "_LRScheduler _warn_get_lr_called_within_step _enable_get_lr_call _initial_mode _format_param "
    "_update_param_group_val _param_groups_val_list EPOCH_DEPRECATION_WARNING",
    "optim.optimizer": "ParamsT DeviceDict _get_value _default_to_fused_or_foreach "
    "_view_as_real _use_grad_for_differentiable _get_fused_kernels_supported_devices",
    "optim._functional": "adadelta adagrad adam adamax adamw asgd nadam radam rmsprop rprop sgd sparse_adam",
    "optim._multi_tensor": "Adam SGD",
    "optim.adam": "_single_tensor_adam _multi_tensor_adam",
    "optim.rmsprop": "_single_tensor_rmsprop",
    "utils._foreach_utils": "_group_tensors_by_device_and_dtype",
    "utils._contextlib": "_DecoratorContextManager context_decorator",
    "utils.data": "_utils",
    "utils.data._utils": "collate fetch pin_memory worker MP_STATUS_CHECK_INTERVAL",
    "utils.data._utils.collate": "default_collate default_convert default_collate_err_msg_format "
    "np_str_obj_array_pattern collate_tensor_fn collate_numpy_array_fn collate_numpy_scalar_fn collate_float_fn "
    "collate_int_fn collate_str_fn default_collate_fn_map collate",
    "utils.data._utils.fetch": "_MapDatasetFetcher _IterableDatasetFetcher",
    "utils.data._utils.worker": "get_worker_info WorkerInfo",
    "_utils": "_flatten_dense_tensors _unflatten_dense_tensors _take_tensors _get_device_index ExceptionWrapper "
    "_rebuild_tensor_v2 _rebuild_parameter",
    "_C": "Size TensorBase _TensorBase _infer_size _add_docstr Generator device dtype",
    "_C._nn": "gelu linear pad",
    "jit": "_overload _overload_method ScriptModule",
    "jit.annotations": "List Dict Optional Tuple Union",
    "_jit_internal": "boolean_dispatch List Optional Final",
    "functional": "split Tensor norm einsum",
    "types": "_dtype _int _float _bool _size _TensorOrTensors Device Number",
    "autograd.gradcheck": "get_numerical_jacobian get_analytical_jacobian",
    "utils": "deterministic checkpoint data",
    "distributions.constraints": "_Dependent _DependentProperty _GreaterThan _Interval _PositiveDefinite _Real _Simplex",
    "distributions.dirichlet": "_Dirichlet _Dirichlet_backward",
    "distributions.gamma": "_standard_gamma",
    "distributions.kl": "_KL_REGISTRY _KL_MEMOIZE _dispatch_kl",
    "distributions.lowrank_multivariate_normal": "_batch_capacitance_tril _batch_lowrank_logdet _batch_lowrank_mahalanobis",
    "distributions.multivariate_normal": "_batch_mahalanobis _batch_mv _precision_to_scale_tril",
    "distributions.transforms": "_InverseTransform",
    "distributions.utils": "_standard_normal _sum_rightmost euler_constant",
    "distributions.von_mises": "_log_modified_bessel_fn",
}


@pytest.mark.parametrize("place", NAMES)
def test_name_can_be_imported(place):
    module = importlib.import_module(f"rustorch.{place}")
    assert [name for name in NAMES[place].split() if not hasattr(module, name)] == []


@pytest.mark.parametrize("place", NAMES)
def test_name_exists_in_torch(oracle, place):
    module = importlib.import_module(f"{oracle.__name__}.{place}")
    assert [name for name in NAMES[place].split() if not hasattr(module, name)] == []


def test_reduction_numbers_of_loss_code():
    assert nn.functional._Reduction.get_enum("mean") == 1


def test_modules_answer_to_private_methods():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert net._get_item_by_idx(iter(net.children()), -1) is net[1]
    x = torch.ones(2)
    assert torch.equal(net._wrapped_call_impl(x), net(x)) and torch.equal(net._slow_forward(x), net(x))
    rnn = nn.LSTM(2, 3)
    rnn._init_flat_weights()
    rnn._update_flat_weights()


def test_overridden_call_may_go_on_to_the_private_one():
    class Net(nn.Linear):
        def __call__(self, x):
            return self._wrapped_call_impl(x) + 1

    net = Net(1, 1)
    assert torch.equal(net(torch.ones(1)), net.forward(torch.ones(1)) + 1)


def test_initialisers_of_vision_transformers():
    torch.manual_seed(0)
    a = nn.init._no_grad_trunc_normal_(torch.empty(4), 0.0, 1.0, -2.0, 2.0)
    torch.manual_seed(0)
    assert torch.equal(a, nn.init.trunc_normal_(torch.empty(4)))
    weight = nn.Parameter(torch.empty(3))
    assert nn.init._no_grad_fill_(weight, 2.0) is weight and weight.tolist() == [2.0, 2.0, 2.0]
    assert nn.init._no_grad_zero_(weight).sum() == 0


def test_tensors_flattened_into_buckets():
    from rustorch._utils import _flatten_dense_tensors, _take_tensors, _unflatten_dense_tensors

    tensors = [torch.ones(2, 3), torch.zeros(()), torch.full((2,), 5.0), torch.arange(3)]
    chunks = list(_take_tensors(tensors, 28))
    assert [[t.numel() for t in chunk] for chunk in chunks] == [[6, 1], [2], [3]]
    flat = _flatten_dense_tensors(tensors[:3])
    back = _unflatten_dense_tensors(flat, tensors[:3])
    assert flat.shape == (9,) and all(torch.equal(a, b) for a, b in zip(back, tensors))
    flat.zero_()
    assert back[0].sum() == 0


def test_device_index():
    from rustorch._utils import _get_device_index

    assert _get_device_index(2) == 2 and _get_device_index("cpu", allow_cpu=True) == -1
    for device in ("cpu", None):
        with pytest.raises(ValueError, match="Expected a"):
            _get_device_index(device)


def test_fetchers_and_pinning():
    from rustorch.utils.data._utils.fetch import _MapDatasetFetcher
    from rustorch.utils.data._utils.pin_memory import pin_memory

    assert _MapDatasetFetcher([1, 2, 3], True, list, False).fetch([2, 0]) == [3, 1]
    assert pin_memory({"a": (1, "b")}) == {"a": (1, "b")}
    with pytest.raises(RuntimeError, match="accelerator"):
        pin_memory([torch.ones(1)])


def test_core_names():
    assert isinstance(torch.ones(1), torch._C._TensorBase) and torch._C.Size is torch.Size
    assert torch._C._infer_size((2, 1), (3,)) == (2, 3)
    assert torch._C._get_tracing_state() is None and torch._C._log_api_usage_once("a program") is None
    assert torch._C._add_docstr(lambda: 0, "text").__doc__ == "text"


def test_boolean_dispatch():
    def yes(x, flag=False):
        """Text."""
        return "yes", x

    f = torch._jit_internal.boolean_dispatch("flag", 1, False, yes, lambda x, flag=False: ("no", x), "m", "f")
    assert [f(1), f(2, True), f(3, flag=True)] == [("no", 1), ("yes", 2), ("yes", 3)]
    assert (f.__name__, f.__module__, f.__doc__) == ("f", "m", "Text.")


def test_context_decorator():
    from rustorch.utils._contextlib import context_decorator

    @lambda f: context_decorator(lambda: torch.no_grad(), f)
    def numbers():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    seen = [(inside, torch.is_grad_enabled()) for inside in numbers()]
    assert seen == [(False, True), (False, True)]
    assert context_decorator(contextlib.nullcontext(), abs)(-1) == 1
    with pytest.raises(RuntimeError, match="Cannot decorate classes"):
        context_decorator(contextlib.nullcontext(), int)


def test_old_jacobians():
    from rustorch.autograd.gradcheck import get_analytical_jacobian, get_numerical_jacobian

    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        (numerical,) = get_numerical_jacobian(lambda xs: xs[0] ** 2, (x,), eps=1e-6)
        (analytical,), same, *fine = get_analytical_jacobian((x,), x**2)
    torch.testing.assert_close(numerical, analytical)
    assert analytical.tolist() == [[2.0, 0.0], [0.0, 4.0]] and same and all(fine)


def test_small_public_names():
    assert torch.random.thread_safe_generator() is None
    with torch.overrides.enable_reentrant_dispatch():
        torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)


def test_generators_print_as_torchs():
    assert repr(torch.Generator()).startswith("<torch._C.Generator object at 0x")
