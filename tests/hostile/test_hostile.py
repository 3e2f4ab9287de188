"""Nothing that Python can call may panic, abort, hang or answer with the wrong class of error.

Every batch of lines runs in a child process, so that a crash is attributed to its line; the same lines run with torch,
where it is installed, for the comparison. `cases.py` makes the lines from the table of operations, `calls.txt` holds
those for everything else, `deliberate.py` the differences that are meant and `known.txt` those that are owed.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the child process limits itself by means of POSIX")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402
import deliberate  # noqa: E402
import driver  # noqa: E402

KNOWN = {
    line.split(" => ")[0] for line in (HERE / "known.txt").read_text(encoding="utf-8").splitlines() if " => " in line
}


def torch_outcomes(lines):
    """What torch makes of the lines, or None for each where it is not installed."""
    if importlib.util.find_spec("torch") is None and os.environ.get("RUSTORCH_REQUIRE_TORCH") != "1":
        return [None] * len(lines)
    return driver.run("torch", lines)


def differences(lines, singles, env=None, compare=True):
    """(line, verdict) of what is wrong; lines that are no `singles` are only watched for crashes."""
    ours = driver.run("rustorch", lines, env=env)
    theirs = torch_outcomes(lines) if compare else [None] * len(lines)
    found = []
    for line, one, a, b in zip(lines, singles, ours, theirs):
        verdict = driver.verdict(a, b if one else None)
        if verdict and verdict.split(":")[0] not in ("crash", "bug") and deliberate.allowed(line, verdict):
            verdict = None
        known = line.replace("\n", ";; ") in KNOWN
        if verdict and not known:
            found.append((line, verdict))
    return found


def table(count, seed, part=0, parts=1):
    import rustorch

    lines, singles = zip(*cases.table(rustorch, count, seed))
    return list(lines[part::parts]), singles[part::parts]


def report(found):
    return "\n".join(f"{line}\n    {verdict}" for line, verdict in found)


def programs():
    """The lines of calls.txt: those that share a process, and those that get one each."""
    text = (HERE / "calls.txt").read_text(encoding="utf-8").splitlines()
    at = text.index("## fresh")
    lines = [
        [line.replace(";; ", "\n") for line in part if line and not line.startswith("#")]
        for part in (text[:at], text[at:])
    ]
    return lines


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(3))
def test_calls_of_the_table_end_as_in_torch(part):
    found = differences(*table(3, 0, part, 3))
    assert not found, report(found)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(2))
def test_other_calls_end_as_in_torch(part):
    lines = programs()[0][part::2]
    found = differences(lines, [True] * len(lines))
    assert not found, report(found)


@pytest.mark.timeout(120)
def test_global_settings_take_any_value():
    found = [f for line in programs()[1] for f in differences([line], [True], compare=False)]
    assert not found, report(found)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("isa", ["", "portable", "avx2"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_many_calls_of_the_table_break_nothing(isa, seed):
    env = {"RUSTORCH_ISA": isa} if isa else None
    lines, singles = table(30, seed)
    found = differences(lines, singles, env, compare=False)
    assert not found, report(found)


@pytest.mark.timeout(120)
def test_every_row_has_a_tame_call_that_both_libraries_accept():
    import rustorch

    tame, rows = cases.tame_lines(), rustorch._C._schemas()
    rows = [row for row in rows if cases.places(row, rustorch)]
    assert list(tame) == [cases.key(row) for row in rows], "tame.txt has a line for each row, in their order"
    lines = [cases.line(cases.places(row, rustorch)[0], row, cases.tame_args(row, tame)) for row in rows]
    for outcomes in (driver.run("rustorch", lines), torch_outcomes(lines)):
        refused = [(line, o["text"]) for line, o in zip(lines, outcomes) if o and "ok" not in o]
        # torch has some of our private names in other places, and fused steps with arguments of its own.
        assert not [(line, text) for line, text in refused if not driver.ABSENT.search(text) and "_fused" not in line]


@pytest.mark.timeout(120)
def test_known_differences_are_still_owed(oracle):
    lines = [line.replace(";; ", "\n") for line in KNOWN]
    outcomes = zip(lines, driver.run("rustorch", lines), driver.run("torch", lines))
    mended = [line for line, ours, theirs in outcomes if driver.verdict(ours, theirs) is None]
    assert not mended, "delete from known.txt:\n" + "\n".join(mended)


def test_a_crash_is_attributed_to_its_line():
    lines = ["1 + 1", "import os; os.abort()", "2 + 2", "1 / 0", "while True: pass"]
    one, crash, two, error, hang = driver.run("rustorch", lines, seconds=1)
    assert one["ok"] == ["number", "2"]
    assert two["ok"] == ["number", "4"]
    assert driver.verdict(crash).startswith("crash: exit status -6")
    assert driver.verdict(hang).startswith("crash: no answer in time")
    assert error["error"] == "ZeroDivisionError"
    assert driver.verdict(error, {"error": "ValueError", "text": ""}).startswith("class")
    assert driver.verdict(error, {"ok": None}).startswith("refuses")
    assert driver.verdict(one, error).startswith("accepts")
    assert driver.verdict(one, two).startswith("value")
    assert driver.verdict({"error": "RuntimeError", "text": "internal error: x"}).startswith("bug")
