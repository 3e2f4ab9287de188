"""Lets `import torch` and `import torch.nn.functional` mean rustorch's modules."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import sys


class _Distribution(importlib.metadata.Distribution):
    """What `importlib.metadata.version("torch")` reads."""

    def read_text(self, filename):
        import rustorch

        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: torch\nVersion: {rustorch.__version__}\n"
        return None

    def locate_file(self, path):
        return os.path.join(os.path.dirname(os.path.dirname(__file__)), path)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules named torch or torch.x: the modules rustorch and rustorch.x themselves."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "torch" and not fullname.startswith("torch."):
            return None
        real = "rustorch" + fullname.removeprefix("torch")
        try:
            module = importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name != real:
                raise
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=hasattr(module, "__path__"))

    def create_module(self, spec):
        module = importlib.import_module("rustorch" + spec.name.removeprefix("torch"))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        # The import system has just put its own spec there; the module keeps its real name.
        module.__spec__ = module.__spec__.loader_state

    def find_distributions(self, context=importlib.metadata.DistributionFinder.Context()):  # noqa: B008
        """The distribution called torch."""
        return [_Distribution()] if context.name == "torch" else []


def install():
    """Make `import torch` give rustorch in this process from now on, and `cuda` name the GPU, of any vendor.

    Programs read the name and the version of what they import: from here on these are `torch` and the release of torch
    whose interface this is, with rustorch's own version behind a plus sign. An empty `CUDA_VISIBLE_DEVICES` hides the GPU, as it does for torch.

    Raises:  RuntimeError: if PyTorch itself has been imported already.
    """
    import rustorch

    present = sys.modules.get("torch")
    if present is not None and present is not rustorch:
        raise RuntimeError("expected torch not to be imported yet, but it is. Install the alias first.")
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        rustorch.__name__ = "torch"
        rustorch.__version__ = rustorch.torch_version.as_torch()
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() not in ("", "-1"):
        rustorch._C._let_cuda_be_gpu(True)
