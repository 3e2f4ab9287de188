"""`python -m rustorch.info`: what to put into a bug report."""

import importlib.util
import os
import platform
import sys

import rustorch
from rustorch import _C


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
        "GPU backends": "none",
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
