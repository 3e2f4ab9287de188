"""Compiled shaders on disk: there after a run, used by the next, and of no harm when damaged."""

import os
import subprocess
import sys

import rustorch as torch

CODE = """
import rustorch as torch
x = torch.arange(10.0).gpu()
print((x * 2 + 1).sum().item())
"""


def run(folder):
    environment = {**os.environ, "RUSTORCH_CACHE_DIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "100.0\n"), done.stderr


def test_a_run_leaves_its_shaders_for_the_next(tmp_path):
    if torch.gpu.get_device_properties()["backend"] != "Vulkan" or "cache" in os.environ.get(
        "RUSTORCH_GPU_WITHOUT", ""
    ):
        run(tmp_path)
        return
    run(tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    assert file.read_bytes().startswith(b"rustgpu1") and file.stat().st_size > 16
    run(tmp_path / "new")


def test_damaged_files_are_as_good_as_none(tmp_path):
    run(tmp_path)
    for file in list(tmp_path.iterdir()):
        whole = file.read_bytes()
        for damaged in (
            b"",
            b"rustgpu1",
            whole[: len(whole) // 2],
            whole[:40] + b"\\xff" + whole[41:],
            os.urandom(5000),
        ):
            file.write_bytes(damaged)
            run(tmp_path)


def test_a_folder_that_cannot_be_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("")
    run(tmp_path / "file" / "below")


def test_an_empty_name_keeps_nothing(tmp_path):
    run("")
