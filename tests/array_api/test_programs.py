"""SciPy and scikit-learn on tensors, which come out as tensors with NumPy's numbers."""

import os
import subprocess
import sys

import numpy as np
import pytest

# SciPy reads its switch when it is imported.
SCIPY = """
import numpy as np
import rustorch
from scipy import cluster, integrate, special, stats

def functions(a):
    yield special.logsumexp(a, axis=0)
    yield special.softmax(a, axis=1)
    yield special.log_softmax(a)
    yield special.erf(a)
    yield stats.zscore(a)
    yield stats.skew(a, axis=None)
    yield stats.kurtosis(a, axis=0)
    yield stats.ttest_1samp(a, 0.0).pvalue
    yield stats.ttest_ind(a[:10], a[10:]).statistic
    yield stats.pearsonr(a[:, 0], a[:, 1]).statistic
    yield stats.moment(a, order=3)
    yield integrate.trapezoid(a, axis=0)
    yield cluster.vq.whiten(a)

a = np.random.default_rng(0).normal(size=(20, 3))
for got, wanted in zip(functions(rustorch.asarray(a)), functions(a), strict=True):
    assert type(got) is rustorch.Tensor and got.dtype is rustorch.float64
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-8)
"""


def test_scipy():
    pytest.importorskip("scipy", minversion="1.16")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", SCIPY], env=environment, check=True)


SKLEARN = """
import numpy as np
import rustorch
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.preprocessing import StandardScaler

def functions(a):
    yield StandardScaler().fit_transform(a)
    yield PCA(2, svd_solver="full").fit_transform(a)
    yield Ridge(solver="svd").fit(a, a[:, 0]).coef_

a = np.random.default_rng(0).normal(size=(20, 3))
with config_context(array_api_dispatch=True):
    for got, wanted in zip(functions(rustorch.asarray(a)), functions(a), strict=True):
        assert type(got) is rustorch.Tensor
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6)
    assert abs(mean_squared_error(rustorch.asarray(a), rustorch.asarray(a * 2)) - (a * a).mean()) < 1e-9
"""


def test_scikit_learn():
    pytest.importorskip("sklearn", minversion="1.6")
    pytest.importorskip("scipy", minversion="1.16")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", SKLEARN], env=environment, check=True)


def test_array_api_compat_finds_the_namespace():
    compat = pytest.importorskip("array_api_compat")
    import rustorch

    x = rustorch.ones(2)
    assert compat.is_array_api_obj(x)
    assert compat.array_namespace(x, x) is rustorch.array_api
    assert compat.device(x) == x.device
    assert compat.size(x) == 2
    assert np.asarray(compat.to_device(x, x.device)).tolist() == [1, 1]
