"""Values, dtypes and strides of every operation against torch, in all dtypes."""

import itertools

import pytest
from optable import ALL, wanted
from optable.compare import against, report

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("case", wanted("value"), ids=repr)
def test_every_dtype(case, oracle):
    report(
        f"{sample} {dtype}: {found}"
        for sample, dtype in itertools.product(case.samples, ALL)
        if (found := against(oracle, case, sample, dtype))
    )
