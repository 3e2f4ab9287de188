"""The shaders without a device: what no driver computes as it reads, and what the compiler says of every specialisation."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SHADERS = Path(__file__).resolve().parent.parent / "shaders"
FILES = sorted(SHADERS.rglob("*.wgsl"))

# Measured on drivers: each of these gives wrong numbers somewhere, or does not compile somewhere.
FORBIDDEN = {
    r"\b([\w.]+) != \1(?![\w.(\[])": "false for NaN on Vulkan; use is_nan",
    r"(?<!\w)tanh\(": "NaN for large arguments; use tanh_of",
    r"(?<!\w)(sinh|cosh)\(": "overflows early; write it with exp_of",
    r"\benable\s+subgroups": "not accepted by the compiler; the host adds it where it is",
    r"var(<[^>]*>)?\s+[ABC]\s*:": "names of roles of matrices in the compiler",
    r"\bfma\(": "not fused on every device, so that bits differ",
    r"(?m)^\s+var \w+\s*:\s*array<[^=;]*;": "not zeroed again in a loop by some compilers; write = array<..>()",
    r"\bf64\b": "accepted, and yields invalid code for most functions",
}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(SHADERS).as_posix())
def test_shaders_avoid_what_drivers_get_wrong(file):
    text = re.sub(r"//.*", "", file.read_text(encoding="utf-8"))
    found = [f"{m.group()}: {why}" for pattern, why in FORBIDDEN.items() for m in re.finditer(pattern, text)]
    assert found == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(SHADERS).as_posix())
def test_shaders_say_what_they_are(file):
    assert file.read_text(encoding="utf-8").startswith("// ")


# A backend that runs nothing but compiles as others do: results mean nothing, errors of the compiler do.
COMPILE = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
import rustorch as torch
from gpu.support import moved
from optable import BY_NAME

assert torch.gpu.get_device_properties()["backend"] == "Noop"
wrong = []
for name, case in BY_NAME.items():
    for sample in case.samples:
        for dtype in ("float32", "float16", "int64"):
            try:
                args, kwargs = sample.make(torch, dtype)
                case.function(torch)(*moved(args), **{k: moved(v) for k, v in kwargs.items()})
                torch.gpu.synchronize()
            except Exception as error:
                if "driver" in str(error):
                    wrong.append(f"{name} {dtype}: {error}")
print(len(BY_NAME), *wrong[:5], sep="\\n")
sys.exit(bool(wrong))
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("without", ["", "f16,i64,subgroup,immediates,timestamps,limits"])
def test_every_shader_compiles_without_a_device(without):
    import rustorch as torch
    from rustorch import _C

    if not _C._has_gpu_backend:
        pytest.skip("built without the feature gpu")
    assert torch.__version__
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(Path(__file__).resolve().parent)],
        env={
            **os.environ,
            "RUSTORCH_GPU_BACKEND": "noop",
            "RUSTORCH_GPU_ALLOW_CPU": "1",
            "RUSTORCH_GPU_ADAPTER": "",
            "RUSTORCH_GPU_WITHOUT": without,
        },
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
