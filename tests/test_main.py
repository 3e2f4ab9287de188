"""`python -m rustorch`: programs written for torch, and what importing the package loads."""

import subprocess
import sys
import textwrap

import pytest

import rustorch

SCRIPT = """
import sys

import torch
import torch.nn as nn
import torch.utils.data
from torch import Tensor, optim
from torch.nn import functional as F
from torch.optim.lr_scheduler import StepLR

import neighbour
import rustorch

assert torch is rustorch and nn is rustorch.nn and F is rustorch.nn.functional and neighbour.Tensor is Tensor
assert sys.modules["torch.optim"] is optim is sys.modules["rustorch.optim"]
model = nn.Linear(2, 1)
scheduler = StepLR(optim.SGD(model.parameters(), lr=0.1), 1)
F.mse_loss(model(torch.ones(3, 2)), torch.zeros(3, 1)).backward()
print(__name__, sys.argv[1:], tuple(model.weight.grad.shape))
"""


@pytest.fixture
def run(tmp_path):
    """Runs `python ARGUMENT...` in a folder with the given files."""

    def call(*arguments, **files):
        for name, text in {"neighbour": "from torch import Tensor", **files}.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100)

    return call


def test_script_with_arguments(run):
    done = run("-m", "rustorch", "script.py", "--epochs", "3", script=SCRIPT)
    assert done.stdout == "__main__ ['--epochs', '3'] (1, 2)\n" and done.returncode == 0, done.stderr


def test_script_in_another_folder_imports_its_neighbours(run):
    sees = "import sys\nimport friend\nprint(sys.argv[0])"
    done = run("-m", "rustorch", "sub/script.py", sub__script=sees, sub__friend="import torch.nn")
    assert done.stdout.strip().endswith("script.py") and done.returncode == 0, done.stderr


def test_module_of_a_package(run):
    body = "import torch\nfrom . import part\nprint(__name__, __package__, part.x.sum().item())"
    done = run(
        "-m", "rustorch", "-m", "pkg.train", "x", pkg__train=body, pkg__part="from torch import ones\nx = ones(2)"
    )
    assert done.stdout == "__main__ pkg 2.0\n", done.stderr


def test_code_on_the_command_line(run):
    assert run("-m", "rustorch", "-c", "import sys, torch; print(sys.argv, torch.__name__)", "a").stdout == (
        "['-c', 'a'] torch\n"
    )


def test_libraries_that_ask_for_the_version_find_torchs(run):
    code = """
    import importlib.metadata, torch, rustorch
    numbers = tuple(int(part) for part in torch.__version__.split(".")[:2])
    assert numbers >= (2, 13) and torch.__version__ >= "2.13" and not torch.__version__ > (2, 13)
    assert importlib.metadata.version("torch") == torch.__version__ == rustorch.__version__
    print(torch.__version__)
    """
    done = run("-m", "rustorch", "script.py", script=code)
    assert done.stdout == f"2.13.0+rustorch.{rustorch.__version__}\n", done.stderr


def test_errors_and_exit_codes_are_the_programs(run):
    done = run("-m", "rustorch", "fails.py", fails="import torch\n\ntorch.ones(2).view(3)\n")
    assert done.returncode == 1
    assert 'fails.py", line 3' in done.stderr and "RuntimeError: shape '[3]' is invalid" in done.stderr
    assert run("-m", "rustorch", "exits.py", exits="raise SystemExit(7)").returncode == 7
    missing = run("-m", "rustorch", "nothing.py")
    assert missing.returncode == 2 and "no file 'nothing.py'" in missing.stderr


def test_modules_that_torch_lacks_are_missing(run):
    done = run("-m", "rustorch", "-c", "import torch.nothing")
    assert "ModuleNotFoundError: No module named 'torch.nothing'" in done.stderr


# What costs most to load and is not needed to make a tensor.
@pytest.mark.parametrize("heavy", ["numpy", "inspect", "typing", "dataclasses", "re", "rustorch.nn", "rustorch.optim"])
def test_import_leaves_alone(run, heavy):
    # -S: site and its .pth files load modules of their own.
    code = "import sys; sys.path[:] = eval(sys.argv[1]); import rustorch; print(*sys.modules)"
    done = run("-S", "-c", code, repr(sys.path))
    assert "rustorch" in done.stdout.split(), done.stderr
    assert heavy not in done.stdout.split()
