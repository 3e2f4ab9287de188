"""What the host does for one small operation on the GPU, from Python.

    python benches/python/gpu_overhead.py

On wgpu's backend that runs nothing: a software device would share the processor with the host. With wgpu-py installed, also
what recording a call through it costs on whatever adapter it finds, which is why rustorch records in Rust.
"""

import os
import time

os.environ.setdefault("RUSTORCH_GPU_BACKEND", "noop")
os.environ.setdefault("RUSTORCH_CACHE_DIR", "")
if os.environ["RUSTORCH_GPU_BACKEND"] == "noop":
    os.environ.pop("RUSTORCH_GPU_ADAPTER", None)
    os.environ["RUSTORCH_GPU_ALLOW_CPU"] = "1"

import rustorch as torch

ROUNDS, CALLS = 30, 1000


def microseconds(call, finish):
    """The median over rounds of the time of a call."""
    times = []
    for _ in range(ROUNDS):
        finish()
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append((time.perf_counter() - start) / CALLS)
    return 1e6 * sorted(times)[ROUNDS // 2]


def ours():
    x, y = torch.ones(1024, device="gpu"), torch.ones(1024, device="gpu")
    cases = {
        "x + y": lambda: x + y,
        "x.add_(y)": lambda: x.add_(y),
        "x * 2": lambda: x * 2,
        "relu(x)": lambda: torch.relu(x),
        "softmax(x)": lambda: torch.softmax(x, 0),
        "x.sum()": lambda: x.sum(),
    }
    for fusing in (False, True):
        torch.gpu.set_fusion(fusing)
        for name, call in cases.items():
            kind = "fused" if fusing else "each by itself"
            print(f"{name:14} {microseconds(call, torch.gpu.synchronize):8.2f} us   {kind}")


def wgpu_py():
    try:
        import wgpu
    except ImportError:
        return
    device = wgpu.gpu.request_adapter_sync().request_device_sync()
    source = """
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = x[id.x]; }
    """
    buffers = [device.create_buffer(size=4096, usage=wgpu.BufferUsage.STORAGE) for _ in range(2)]
    module = device.create_shader_module(code=source)
    pipeline = device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": "main"})
    layout = pipeline.get_bind_group_layout(0)
    entries = [{"binding": i, "resource": {"buffer": b}} for i, b in enumerate(buffers)]
    times = []
    for _ in range(ROUNDS):
        encoder = device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        start = time.perf_counter()
        for _ in range(CALLS):
            compute.set_pipeline(pipeline)
            compute.set_bind_group(0, device.create_bind_group(layout=layout, entries=entries))
            compute.dispatch_workgroups(1)
        times.append((time.perf_counter() - start) / CALLS)
        compute.end()
        encoder.finish()
    print(f"{'wgpu-py':14} {1e6 * sorted(times)[ROUNDS // 2]:8.2f} us   recorded, with a new bind group")


if __name__ == "__main__":
    print(f"{torch.gpu.get_device_properties()['backend']}; medians of {ROUNDS} rounds of {CALLS} calls")
    ours()
    wgpu_py()
