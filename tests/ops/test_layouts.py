"""Inputs with other strides: torch's values, and results with torch's strides."""

import itertools

import pytest
from optable import LAYOUTS, wanted
from optable.compare import against, report

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("case", wanted("layout"), ids=repr)
def test_every_layout(case, oracle):
    inputs = [*itertools.product(case.samples, ["float64"]), *itertools.product(case.samples[:1], ["int32"])]
    report(
        f"{sample} {dtype} {layout}: {found}"
        for (sample, dtype), layout in itertools.product(inputs, [x for x in LAYOUTS if x not in case.skip])
        if (found := against(oracle, case, sample, dtype, layout))
    )
