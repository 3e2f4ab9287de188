"""Runs lines of code in child processes, one library each, and compares what they gave."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RUNNER = Path(__file__).with_name("runner.py")

# Words that no user should ever read: a panic that was caught, a table that disagrees with its function.
BUG = re.compile(r"internal error(?!: output_size.size)|panicked|PanicException|unwrap\(\)|INTERNAL ASSERT")

ABSENT = re.compile(r"has no attribute|No module named '(rus)?torch")


def run(module, lines, seconds=10, env=None):
    """The outcome of each line: {"ok": ...}, {"error": class, "text": ...} or {"crash": ...}."""
    results = []
    while len(results) < len(lines):
        with tempfile.TemporaryFile() as noise:
            child = subprocess.run(
                [sys.executable, str(RUNNER), module, str(seconds)],
                input=json.dumps(lines[len(results) :]).encode(),
                stdout=subprocess.PIPE,
                stderr=noise,
                env={**os.environ, "RUST_BACKTRACE": "0", **(env or {})},
                check=False,
            )
            noise.seek(0)
            stderr = noise.read().decode(errors="replace")
        done = 0
        started = -1
        for line in child.stdout.decode(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if "end" in record:
                results.append(record)
                done += 1
            else:
                started = record["start"]
        if started == done:
            what = "no answer in time" if child.returncode == -14 else f"exit status {child.returncode}"
            results.append({"crash": f"{what}: {stderr[-400:]}"})
        elif done == 0:
            raise RuntimeError(f"the child died before its first case ({child.returncode}): {stderr[-2000:]}")
        if "panicked at" in stderr and results:
            for place in re.findall(r"panicked at ([^\n]*)", stderr):
                results[-1].setdefault("panics", []).append(place)
    return results


def close(a, b):
    """Do two printed numbers agree, NaN with NaN?"""
    if a == b:
        return True
    try:
        x, y = complex(a), complex(b)
    except ValueError:
        return False
    for p, q in ((x.real, y.real), (x.imag, y.imag)):
        if math.isnan(p) != math.isnan(q):
            return False
        if not math.isnan(p) and p != q and not abs(p - q) <= 1e-3 * max(abs(p), abs(q), 1e-2):
            return False
    return True


def same(a, b, values=True):
    """Do two reported results agree?"""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        if a and b and a[0] == b[0] == "tensor":
            if a[1:3] != b[1:3]:
                return False
            return not values or a[3] is None or b[3] is None or all(map(close, a[3], b[3]))
        if a and b and a[0] == b[0] == "number":
            return not values or close(a[1], b[1])
        return len(a) == len(b) and all(same(x, y, values) for x, y in zip(a, b))
    return a == b


def verdict(ours, theirs=None, values=True):
    """What is wrong with an outcome, or None. Without `theirs` only crashes and bugs are."""
    if "crash" in ours:
        return f"crash: {ours['crash']}"
    if "error" in ours and (BUG.search(ours["text"]) or ours["error"] in ("PanicException", "SystemError")):
        return f"bug: {ours['error']}: {ours['text'][:300]}"
    if theirs is not None and ours.get("modes") != theirs.get("modes", ours.get("modes")):
        return f"modes: {ours['modes']} != {theirs['modes']}"
    if theirs is None or "crash" in theirs or BUG.search(theirs.get("text", "")):
        return None
    # A name that one of the two lacks is counted elsewhere.
    if any(
        r.get("error") in ("AttributeError", "ModuleNotFoundError") and ABSENT.search(r["text"]) for r in (ours, theirs)
    ):
        return None
    if "error" in ours and "error" in theirs:
        # A class of its own for a lack of memory, which is a RuntimeError.
        if ours["error"] != theirs["error"] and (ours["error"], theirs["error"]) != (
            "OutOfMemoryError",
            "RuntimeError",
        ):
            return f"class: {ours['error']}: {ours['text'][:160]!r} != {theirs['error']}: {theirs['text'][:160]!r}"
        return None
    if "error" in theirs:
        return f"accepts: {str(ours['ok'])[:120]} != {theirs['error']}: {theirs['text'][:200]!r}"
    if "error" in ours:
        return f"refuses: {ours['error']}: {ours['text'][:200]!r} != {str(theirs['ok'])[:120]}"
    if not same(ours["ok"], theirs["ok"], values):
        kind = "value" if same(ours["ok"], theirs["ok"], False) else "result"
        return f"{kind}: {str(ours['ok'])[:200]} != {str(theirs['ok'])[:200]}"
    return None
