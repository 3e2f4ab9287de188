"""Times every operation of the table on rustorch and torch in turns: how many times faster rustorch is, slowest first.

    python benches/python/every_op.py --markdown benches/every_op.md     the whole table, about 6 minutes
    python benches/python/every_op.py --ops '^(sum|mean)$' --sizes 1000000 --below 0.7
    python benches/python/every_op.py --once                             each case once, no timing: does it run?

What is called stands in op_inputs.py and layer_inputs.py: one thousand and one million elements of float32 (integers or
bools where there is no float form), or fewer where the work is cubic; the label says so. A figure is the least of seven
rounds or more, a round as many calls as fill 2 ms; calls of more than 20 ms get three rounds. `gradient` is the call and
the derivatives by its floating arguments. Both libraries live in this process and take turns, with equal inputs, equal
numbers of threads, and the process bound to as many processors. A result that shares memory with an argument in torch and
not in rustorch is marked as a copy.
"""

import argparse
import importlib
import json
import math
import re
import sys
import warnings
from pathlib import Path

import layer_inputs  # noqa: F401  (adds its rows)
import op_inputs
import side_by_side

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
optable = importlib.import_module("optable")

ROUND_SECONDS = 0.002
ROUNDS, ROUNDS_OF_SLOW = 7, 3
SLOW_SECONDS = 0.02
# Longer calls are timed once.
TOO_SLOW_SECONDS = 1.0


def sampled(case):
    """(label, builder) for an operation element by element: its first sample, whose tensors get n elements."""

    def build(m):
        return [like(m, a) for a in case.samples[0].args], dict(case.samples[0].kwargs)

    return "", build


def like(m, x):
    return m.x(low=x.low, high=x.high) if isinstance(x, optable.Arg) else x


def rows():
    """[(case of tests/optable, label, builder)] in the order of the table."""
    listed = {}
    for name, label, build in op_inputs.ROWS:
        listed.setdefault(name, []).append((label, build))
    found = []
    for case in optable.CASES:
        own = listed.pop(case.name, [])
        # A labelled row stands beside the usual one.
        if case.family == "pointwise" and all(label for label, _ in own):
            own.insert(0, sampled(case))
        found += [(case, label, build) for label, build in own]
        assert own or case.name in op_inputs.NO_CALL, f"op_inputs.py has no row for {case.name}"
    assert not listed, f"rows for no operation: {' '.join(listed)}"
    return found


def function(case, T):
    if case.ref is not None and T.__name__ == "torch":
        return case.ref(T)
    for form, place in optable.case.PLACES.items():
        if form in case.forms and hasattr(place(T), case.name):
            return getattr(place(T), case.name)
    return getattr(T.Tensor, case.name)


def tensors(T, x):
    """All tensors in arguments or results."""
    if isinstance(x, T.Tensor):
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    return [y for part in x for y in tensors(T, part)] if isinstance(x, list | tuple) else []


def forward(case, T, build, n):
    args, kwargs = build(op_inputs.Inputs(T, n))
    f = function(case, T)
    return lambda: f(*args, **kwargs)


def gradient(case, T, build, n, first_alone):
    """The call and its derivatives by all floating arguments or the first alone."""
    leaves = []

    def leaf(x):
        if isinstance(x, list | tuple):
            return type(x)(map(leaf, x))
        floating = isinstance(x, T.Tensor) and (x.is_floating_point() or x.is_complex())
        if not floating or (first_alone and leaves):
            return x
        leaves.append(x.detach().requires_grad_())
        return leaves[-1]

    args, kwargs = build(op_inputs.Inputs(T, n))
    args, kwargs = leaf(tuple(args)), {k: leaf(x) for k, x in kwargs.items()}
    f = function(case, T)
    outs = [y for y in tensors(T, f(*args, **kwargs)) if y.requires_grad]
    ones = [T.ones_like(y) for y in outs]

    def run():
        outs = [y for y in tensors(T, f(*args, **kwargs)) if y.requires_grad]
        return T.autograd.grad(outs, leaves, ones, allow_unused=True)

    return run


def shares(T, case, build, n):
    """Does a result stand in the memory of an argument?"""
    args, kwargs = build(op_inputs.Inputs(T, n))
    of = lambda x: {t.untyped_storage().data_ptr() for t in tensors(T, x) if t.numel()}
    return bool(of([args, kwargs]) & of([function(case, T)(*args, **kwargs)]))


def measure(runs, first):
    """The least seconds per call of each, in turns; `first` are those of a first call."""
    if max(first) > TOO_SLOW_SECONDS:
        return first
    counts, least = [], []
    for run in runs:
        once = side_by_side.one_round(run, 1)
        if once < ROUND_SECONDS / 4:
            once = side_by_side.one_round(run, 10)
        counts.append(max(1, math.ceil(ROUND_SECONDS / max(once, 1e-9))))
        least.append(once)
    for _ in range(ROUNDS_OF_SLOW if max(least) > SLOW_SECONDS else ROUNDS):
        for i, (run, count) in enumerate(zip(runs, counts, strict=True)):
            least[i] = min(least[i], side_by_side.one_round(run, count))
    return least


def attempt(make, libraries):
    """(closures, seconds of their first calls, error)"""
    try:
        runs = [make(T) for T in libraries]
        return runs, [side_by_side.one_round(run, 1) for run in runs], None
    except Exception as e:
        return None, None, f"{type(e).__name__}: {str(e).splitlines()[0][:90] if str(e) else ''}"


def figures(case, build, n, libraries):
    """{forward, gradient: [seconds of rustorch, of torch]}, or the error's text where one cannot run the case."""
    runs, first, error = attempt(lambda T: forward(case, T, build, n), libraries)
    if error:
        return {"error": error}
    found = {"forward": measure(runs, first)}
    if case.grad and not case.name.endswith("_"):
        for first_alone in (False, True):
            runs, first, error = attempt(lambda T, alone=first_alone: gradient(case, T, build, n, alone), libraries)
            if not error:
                found["gradient"] = measure(runs, first)
                break
    return found


def ratio(pair):
    return pair[1] / pair[0] if pair and len(pair) == 2 else None


def worst(row):
    """The least ratio of a row, which it is sorted by; 0 where one of the libraries cannot run it."""
    if any("error" in found for found in row["sizes"].values()):
        return 0.0
    ratios = [r for found in row["sizes"].values() for k in ("forward", "gradient") if (r := ratio(found.get(k)))]
    return min(ratios)


def cells(row, sizes):
    for n in sizes:
        found = row["sizes"].get(str(n), {})
        if "error" in found:
            yield from (found["error"].replace("|", "/"), "", "", "")
            continue
        pair, grad = found.get("forward"), found.get("gradient")
        yield from (side_by_side.show(s) for s in pair)
        yield f"{ratio(pair):.2f}" + " copy" * row["copy"]
        yield f"{ratio(grad):.2f}" if grad else ""


def title(row):
    return f"`{row['name']}`" + f" {row['label']}" * bool(row["label"])


def markdown(found, sizes, about):
    lines = [
        "# Every operation, beside torch",
        "",
        f"{about['processor']}, {about['threads']} thread(s), rustorch {about['versions']['rustorch']}, torch"
        f" {about['versions']['torch']}; written by `benches/python/every_op.py --markdown`, which says what is timed. `times"
        " faster` above 1: rustorch is the faster one; `gradient`: the same of the call with its derivatives. Slowest first.",
        "",
        "| operation | " + " | ".join(f"{n:,}: rustorch | torch | times faster | gradient" for n in sizes) + " |",
        "|---" * (1 + 4 * len(sizes)) + "|",
    ]
    lines += [f"| {title(row)} | {' | '.join(cells(row, sizes))} |" for row in found]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", default="", help="a regular expression that names of operations match")
    parser.add_argument("--sizes", default="1000,1000000", help="numbers of elements, by comma")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--below", type=float, help="print only rows with a ratio below this")
    parser.add_argument("--forward", action="store_true", help="leave out the gradients")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--markdown", type=Path, help="where to write the table")
    parser.add_argument("--once", action="store_true", help="run each case of rustorch once and fail if one cannot")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    side_by_side.bind(args.threads)
    libraries = side_by_side.load(args.threads)
    sizes = [int(n) for n in args.sizes.split(",")]
    chosen = [row for row in rows() if re.search(args.ops, row[0].name)]
    if args.once:
        tried = {
            (c.name, label): attempt(lambda T: forward(c, T, b, 1000), [libraries["rustorch"]])
            for c, label, b in chosen
        }
        failed = [f"{name} {label}: {error}" for (name, label), (_, _, error) in tried.items() if error]
        print(*failed, f"{len(chosen) - len(failed)} cases run", sep="\n")
        sys.exit(bool(failed))
    if "torch" not in libraries:
        sys.exit("every_op.py compares with torch, which is not installed: pip install torch==2.13.0")
    found = []
    for i, (case, label, build) in enumerate(chosen):
        row = {"name": case.name, "label": label, "sizes": {}}
        print(f"\r{i + 1} of {len(chosen)}: {title(row):70}", end="", file=sys.stderr, flush=True)
        case = case.but(grad=0) if args.forward else case
        for n in sizes:
            row["sizes"][str(n)] = figures(case, build, n, list(libraries.values()))
        row["copy"] = worst(row) > 0 and [shares(T, case, build, 1000) for T in libraries.values()] == [False, True]
        found.append(row)
    print(file=sys.stderr)
    found.sort(key=worst)
    shown = [row for row in found if args.below is None or worst(row) < args.below]
    for row in shown:
        print(f"{title(row):44} {'  '.join(f'{text:>8}' for text in cells(row, sizes))}")
    about = {
        "processor": side_by_side.processor(),
        "threads": args.threads,
        "versions": {name: str(getattr(T, "__version__", "?")) for name, T in libraries.items()},
    }
    if args.json:
        args.json.write_text(json.dumps({"about": about, "rows": found}, indent=1) + "\n")
    if args.markdown:
        args.markdown.write_text(markdown(found, sizes, about), encoding="utf-8")


if __name__ == "__main__":
    main()
