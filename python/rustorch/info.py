"""`python -m rustorch.info`: what to put into a bug report."""

import importlib.util
import os
import platform
import sys

import rustorch
from rustorch import _C


def _gpus():
    """A line for each adapter that the drivers know, and which one is used; or what to install."""
    if not _C._has_gpu_backend:
        return "this build has no GPU backend"
    found = [
        f"{a['name']} ({a['kind']}, {a['backend']}, driver {a['driver']}, buffers in kernels up to {a['max_binding']} bytes)"
        for a in rustorch.gpu.adapters()
    ]
    try:
        p = rustorch.gpu.get_device_properties()
        features = ", ".join(name for name in ("f16", "i64", "subgroup") if p[name]) or "none"
        found.append(
            f"in use: {p['name']} by {p['backend']}; features: {features}; immediates: {p['immediates']} bytes"
        )
    except RuntimeError as error:
        found.append(f"none in use. {error}")
    return ("\n" + " " * 4).join(["", *found])


def get_pretty_env_info():
    """Versions, processor and settings as text."""
    lines = {
        "rustorch": rustorch.__version__,
        "extension": _C.__file__,
        "Python": sys.version.split("\n")[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "CPU kernels": _C._cpu_capability(),
        "CPU cores": os.cpu_count(),
        "kernel threads": rustorch.get_num_threads(),
        "GPUs": _gpus(),
    }
    for name in ("numpy", "scipy"):
        found = importlib.util.find_spec(name) is not None
        lines[name] = importlib.import_module(name).__version__ if found else "not installed"
    for name, value in sorted(os.environ.items()):
        if name.startswith("RUSTORCH_") or name == "OMP_NUM_THREADS":
            lines[name] = value
    width = max(map(len, lines)) + 1
    return "\n".join(f"{name + ':':{width}} {value}" for name, value in lines.items())


def main():
    """Print it."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
