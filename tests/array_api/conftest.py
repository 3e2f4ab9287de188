"""Sets the reference to the version of the standard that rustorch follows."""

import warnings

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def standard():
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Degrees of freedom, means of nothing, casts of NaN: NumPy and torch warn, the standard has a result.
        warnings.simplefilter("ignore")
        strict.set_array_api_strict_flags(api_version="2024.12")
        yield
        strict.reset_array_api_strict_flags()
