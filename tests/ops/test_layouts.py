"""Inputs with other strides: torch's values, and results with torch's strides."""

import itertools

import pytest
from optable import LAYOUTS, wanted
from optable.compare import against, report

pytestmark = pytest.mark.filterwarnings("ignore")
DTYPES = ("float64", "int32")


@pytest.mark.parametrize("case", wanted("layout"), ids=repr)
def test_every_layout(case, oracle):
    report(
        f"{sample} {dtype} {layout}: {found}"
        for sample, layout, dtype in itertools.product(case.samples, LAYOUTS, DTYPES)
        if (found := against(oracle, case, sample, dtype, layout))
    )
