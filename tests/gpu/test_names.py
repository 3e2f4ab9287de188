"""What the GPU is called: gpu and wgpu, and cuda in programs written for torch."""

import os
import subprocess
import sys

import pytest

import rustorch as torch

PROGRAM = """
import torch
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x = torch.ones(3, 3).to(device)
y = torch.nn.Linear(3, 2).cuda()(x)
start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
start.record(), end.record(), torch.cuda.synchronize(), torch.cuda.manual_seed_all(0)
assert x.is_cuda and x.device == torch.device("cuda:0") and x.device.type == "cuda" and x.cuda() is x
assert torch.zeros(2, device="cuda").device == torch.zeros(2, device="gpu").device
assert start.elapsed_time(end) >= 0 and torch.cuda.current_stream().query() and torch.cuda.memory_allocated() > 0
assert torch.cuda.get_device_properties(0).name == torch.cuda.get_device_name() == torch.gpu.get_device_name()
assert torch.accelerator.current_accelerator().type == "cuda"
print(x.device, y.device)
"""


def dropin(code, **environment):
    command = [sys.executable, "-m", "rustorch", "-c", code]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cuda_names_the_gpu_in_programs_written_for_torch():
    assert dropin(PROGRAM) == "cuda:0 cuda:0\n"


def test_no_visible_devices_hide_it_there():
    assert dropin("import torch; print(torch.cuda.is_available())", CUDA_VISIBLE_DEVICES="") == "False\n"


def test_elsewhere_cuda_is_absent():
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    with pytest.raises(AssertionError, match="Use device='gpu'"):
        torch.zeros(2, device="cuda")
    assert not torch.zeros(2).gpu().is_cuda


def test_wgpu_and_gpu_are_one_device():
    assert torch.device("wgpu") == torch.device("gpu")
    assert torch.zeros(2, device="wgpu:0").device == torch.device("gpu:0")
    assert torch.accelerator.current_accelerator() == torch.device("gpu") and torch.accelerator.device_count() == 1


@pytest.mark.parametrize("make", [lambda: torch.zeros(2, device="gpu:1"), lambda: torch.zeros(2).to("wgpu:3")])
def test_there_is_one_gpu(make):
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        make()


def test_the_report_lists_adapters():
    from rustorch.info import get_pretty_env_info

    text = get_pretty_env_info()
    assert torch.gpu.get_device_name() in text and "in use:" in text


def test_modules_move_there_and_defaults_name_it():
    model = torch.nn.Linear(2, 3).gpu()
    assert model.weight.is_gpu and model.cpu().weight.is_cpu
    torch.set_default_device("gpu")
    try:
        assert torch.zeros(2).is_gpu and torch.nn.Linear(2, 3).weight.is_gpu and torch.arange(3).is_gpu
    finally:
        torch.set_default_device(None)
    with torch.device("gpu"):
        assert torch.ones(2).is_gpu
