"""Helpers for tests: comparing results, making random inputs."""

from rustorch.testing._comparison import assert_allclose as assert_allclose
from rustorch.testing._comparison import assert_close as assert_close
from rustorch.testing._creation import make_tensor as make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
