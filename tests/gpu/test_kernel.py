"""Kernels of one's own: WGSL on tensors, with gradients by hand, and errors that say what is wrong."""

import pytest

import rustorch as torch

SCALE = """
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) {
        y[id.x] = params.factor * x[id.x] + f32(params.shift);
    }
}
"""


def scale():
    f32 = torch.float32
    return torch.gpu.kernel(
        SCALE, inputs={"x": f32}, outputs={"y": f32}, params={"n": "u32", "factor": "f32", "shift": "i32"}, name="scale"
    )


def test_a_kernel_writes_its_outputs_in_place_and_in_order():
    x = torch.arange(0.0, 100.0).gpu() + 1
    y = torch.empty_like(x)
    version = y._version
    scale()(x, y, groups=2, n=100, factor=0.5, shift=-3)
    assert torch.equal((y * 2).cpu(), torch.arange(0.0, 100.0) + 1 - 6)
    assert y._version > version


def test_a_kernel_reads_and_writes_views():
    x = torch.arange(0.0, 100.0).gpu()
    y = torch.empty(90).gpu()
    scale()(x[10:], y, groups=2, n=90, factor=1.0, shift=0)
    assert torch.equal(y.cpu(), torch.arange(10.0, 100.0))
    scale()(x, x, groups=2, n=100, factor=2.0, shift=0)
    assert torch.equal(x.cpu(), 2 * torch.arange(0.0, 100.0))


def test_indices_out_of_bounds_do_no_harm():
    source = """
    @compute @workgroup_size(1)
    fn main() {
        y[400000000] = x[300000000];
    }
    """
    wild = torch.gpu.kernel(source, inputs={"x": torch.int32}, outputs={"y": torch.int32})
    x = torch.ones(4, dtype=torch.int32).gpu()
    y = torch.ones(4, dtype=torch.int32).gpu()
    wild(x, y, groups=1)
    assert set(y.tolist()) <= {0, 1}


def test_source_that_does_not_compile_is_an_error_each_time():
    bad = torch.gpu.kernel(
        "@compute @workgroup_size(1) fn main() { y[0] = 1u; }", inputs={}, outputs={"y": torch.float32}
    )
    y = torch.zeros(4).gpu()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"expected WGSL that compiles(.|\n)*has type"):
            bad(y, groups=1)
    assert y.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"factor": "a"}, TypeError, "expected factor to be a f32"),
        ({"n": -1}, TypeError, "expected n to be a u32"),
        ({"groups": 100_000}, ValueError, "at most"),
        ({"groups": (1, 2, 3, 4)}, ValueError, "1 to 3 counts"),
        ({"groups": -1}, ValueError, "1 to 3 counts"),
    ],
)
def test_wrong_arguments_are_refused(change, error, text):
    x, y = torch.ones(4).gpu(), torch.ones(4).gpu()
    with pytest.raises(error, match=text):
        scale()(x, y, **({"groups": 1, "n": 4, "factor": 1.0, "shift": 0} | change))


def test_wrong_tensors_are_refused():
    x, y = torch.ones(4, 4).gpu(), torch.ones(4, 4).gpu()
    rest = {"groups": 1, "n": 4, "factor": 1.0, "shift": 0}
    with pytest.raises(RuntimeError, match="expected tensors on the GPU"):
        scale()(x.cpu(), y, **rest)
    with pytest.raises(TypeError, match=r"expected x to be torch.float32, but got torch.int32"):
        scale()(x.int(), y, **rest)
    with pytest.raises(ValueError, match="contiguous"):
        scale()(x.t(), y, **rest)
    with pytest.raises(RuntimeError, match="requires grad"):
        scale()(x, y.clone().requires_grad_(), **rest)
    with pytest.raises(TypeError, match="expected tensors for x, y"):
        scale()(x, **rest)
    with pytest.raises(TypeError, match="expected parameters n, factor, shift"):
        scale()(x, y, groups=1, n=4)
    with pytest.raises(ValueError, match="u32, i32 or f32"):
        torch.gpu.kernel(SCALE, inputs={}, outputs={"y": torch.float32}, params={"n": "f64"})


def test_a_gradient_by_hand():
    def forward(x, factor):
        y = torch.empty_like(x)
        scale()(x, y, groups=1, n=x.numel(), factor=factor, shift=1)
        return y

    function = torch.gpu.differentiable(forward, lambda g, y, x, factor: (g * factor, None))
    x = torch.ones(5).gpu().requires_grad_()
    y = function(x, 3.0)
    (y * y).sum().backward()
    assert x.grad.tolist() == [24.0] * 5
