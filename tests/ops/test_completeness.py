"""No operation without a case, and no case without an operation."""

from optable import CASES, schemas


def test_every_operation_has_one_case():
    names = [case.name for case in CASES]
    missing = sorted(set(schemas()) - set(names))
    unknown = sorted(set(names) - set(schemas()))
    twice = sorted({n for n in names if names.count(n) > 1})
    assert not missing, f"{len(missing)} operations have no row in tests/optable: {' '.join(missing)}"
    assert not unknown, f"rows of tests/optable name no operation: {' '.join(unknown)}"
    assert not twice, f"more than one row: {' '.join(twice)}"
