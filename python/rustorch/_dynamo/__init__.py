"""The switches of torch's bytecode compiler that programs touch; nothing is compiled here."""

from types import SimpleNamespace

from rustorch.compiler import disable as disable, is_compiling as is_compiling, reset as reset

config = SimpleNamespace(
    cache_size_limit=8,
    capture_scalar_outputs=False,
    optimize_ddp=True,
    recompile_limit=8,
    suppress_errors=False,
    verbose=False,
)


def mark_dynamic(t, index, **kwargs):
    """Nothing: shapes are never specialised."""


def mark_static(t, index=None):
    """Nothing: shapes are never specialised."""


def graph_break(msg=""):
    """Nothing: there is no graph."""
