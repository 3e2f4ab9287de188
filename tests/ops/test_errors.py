"""Every error row of the table: class and whole text, of which torch has the class and the first line too."""

import pytest
from optable import CASES
from optable.case import Sample
from optable.compare import first_line, kind, outcome

import rustorch as torch

ROWS = [(case, bad) for case in CASES for bad in case.errors]


def failed(T, case, bad):
    args, kwargs = Sample(bad.args, bad.kwargs).make(T, "float32")
    return outcome(case.function(T), args, kwargs)[1]


@pytest.mark.parametrize(("case", "bad"), ROWS, ids=[f"{case}-{bad.text.split(chr(10))[0][:40]}" for case, bad in ROWS])
def test_class_and_text(case, bad):
    error = failed(torch, case, bad)
    assert kind(error) == bad.error.__name__, error
    assert str(error) == bad.text


@pytest.mark.parametrize(
    ("case", "bad"),
    [row for row in ROWS if not row[1].why],
    ids=[f"{case}-{bad.text.split(chr(10))[0][:40]}" for case, bad in ROWS if not bad.why],
)
def test_torch_fails_alike(case, bad, oracle):
    error = failed(oracle, case, bad)
    assert kind(error) == bad.error.__name__, error
    assert first_line(bad.text) == first_line(error)
