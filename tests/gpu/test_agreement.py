"""Every operation of the table on GPU tensors: it agrees with the CPU, or says that it has no kernel, as the docs do."""

import pytest
from gpu.support import DTYPES, examine, examine_gradients, told
from optable import BY_NAME
from optable.compare import report

pytestmark = pytest.mark.filterwarnings("ignore")
TOLD = told()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", BY_NAME.values(), ids=repr)
def test_operations_agree_with_the_cpu_or_are_refused_as_told(case):
    failures, words = examine(case)
    said = TOLD.get(case.name, {})
    for dtype in DTYPES:
        if said.get(dtype) != words[dtype]:
            failures.append(
                f"{dtype}: docs/reference/gpu.md says {said.get(dtype)!r}, seen {words[dtype]!r}; run make gen-gpu"
            )
    report(failures)


def test_the_page_names_no_other_operations():
    assert set(TOLD) == set(BY_NAME)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", BY_NAME.values(), ids=repr)
def test_gradients_agree_with_the_cpu(case):
    report(examine_gradients(case)[0])
