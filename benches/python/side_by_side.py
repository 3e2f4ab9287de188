"""Times the same code on rustorch and torch in turns, and prints how many times faster rustorch is.

    python benches/python/side_by_side.py                       one thread, every case
    python benches/python/side_by_side.py --only 'mm|softmax' --threads 2 --json out/side_by_side.json
    python benches/python/side_by_side.py --once                each case once, no timing: does it run?

Both libraries live in this process and take turns (A B A B ...), so that a machine that slows down slows both. A figure
is the median of five rounds, a round the mean over as many calls as fill 50 ms. Threads are set in both libraries and
the process is bound to as many processors. Without torch, rustorch is timed alone.
"""

import argparse
import importlib
import itertools
import json
import os
import platform
import re
import statistics
import sys
import time
from pathlib import Path

ROUNDS = 5
ROUND_SECONDS = 0.05
CASES = {}


def case(name):
    """Registers a builder: library -> closure that runs the case once."""

    def register(build):
        CASES[name] = build
        return build

    return register


def pointwise(name, f, n, arity=1):
    @case(f"{name}/{n}")
    def build(t):
        t.manual_seed(0)
        xs = [t.rand(n) + 0.5 for _ in range(arity)]
        return lambda: f(t, *xs)


for n in (8, 10_000, 16_000_000):
    pointwise("add", lambda t, a, b: a + b, n, 2)
for name in ("exp", "log", "tanh", "sigmoid", "sin"):
    pointwise(name, lambda t, a, name=name: getattr(t, name)(a), 100_000)
pointwise("tanh", lambda t, a: a.tanh(), 4_000_000)
pointwise("gelu", lambda t, a: t.nn.functional.gelu(a), 4_000_000)


@case("sum_dim/4096x4096")
def _(t):
    x = t.rand(4096, 4096)
    return lambda: x.sum(1)


@case("sort/1000000")
def _(t):
    x = t.rand(1_000_000)
    return lambda: x.sort()


@case("transposed_copy/2048x2048")
def _(t):
    x = t.rand(2048, 2048)
    return lambda: x.t().contiguous()


def transform(name, f, shape, real):
    @case(f"{name}/{'x'.join(map(str, shape))}")
    def build(t):
        x = t.rand(shape)
        x = x if real else t.complex(x, -x)
        return lambda: f(t, x)


for shape in ((1000,), (1_000_000,), (1000, 1000)):
    transform("fft", lambda t, x: t.fft.fftn(x), shape, False)
    transform("rfft", lambda t, x: t.fft.rfftn(x), shape, True)
    transform("irfft", lambda t, x: t.fft.irfftn(x), shape, False)
transform("stft", lambda t, x: t.stft(x, 512, window=t.ones(512), return_complex=True), (100_000,), True)

for n in (64, 256, 1024):

    @case(f"mm/{n}")
    def _(t, n=n):
        a, b = t.rand(n, n), t.rand(n, n)
        return lambda: a @ b


@case("softmax/4096x1024")
def _(t):
    x = t.randn(4096, 1024)
    return lambda: t.softmax(x, -1)


@case("layer_norm/4096x1024")
def _(t):
    x, w, b = t.randn(4096, 1024), t.ones(1024), t.zeros(1024)
    return lambda: t.nn.functional.layer_norm(x, (1024,), w, b)


@case("mean_short_rows/32x512x7x7")
def _(t):
    x = t.randn(32, 512, 7, 7)
    return lambda: x.mean((2, 3))


def conv2d(n, c, size, m):
    @case(f"conv2d/{n}x{c}x{size}x{size}")
    def build(t):
        x, w = t.randn(n, c, size, size), t.randn(m, c, 3, 3)
        return lambda: t.nn.functional.conv2d(x, w, padding=1)

    @case(f"conv2d_backward/{n}x{c}x{size}x{size}")
    def build_backward(t):
        x, w = t.randn(n, c, size, size, requires_grad=True), t.randn(m, c, 3, 3, requires_grad=True)
        y = t.nn.functional.conv2d(x, w, padding=1)
        return lambda: t.autograd.grad(y, (x, w), y.detach(), retain_graph=True)


for sizes in ((8, 64, 56, 64), (8, 256, 14, 256), (8, 256, 4, 256), (8, 512, 2, 512)):
    conv2d(*sizes)


@case("attention_causal/4x8x512x64")
def _(t):
    q, k, v = (t.randn(4, 8, 512, 64) for _ in range(3))
    return lambda: t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


@case("attention_backward/4x8x512x64")
def _(t):
    q, k, v = (t.randn(4, 8, 512, 64, requires_grad=True) for _ in range(3))
    y = t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return lambda: t.autograd.grad(y, (q, k, v), y.detach(), retain_graph=True)


for kind in ("LSTM", "GRU", "RNN"):

    @case(f"{kind}_step/64x32x128")
    def _(t, kind=kind):
        layer, x = getattr(t.nn, kind)(64, 128), t.randn(64, 32, 64)
        return lambda: t.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))


@case("randn/1000000")
def _(t):
    return lambda: t.randn(1_000_000)


@case("view_index/64x64")
def _(t):
    x = t.rand(64, 64)
    return lambda: x[3, 1:5].view(2, 2).t()


@case("backward_chain/100_ops")
def _(t):
    x = t.rand(8, requires_grad=True)

    def run():
        y = x
        for _ in range(50):
            y = (y * 1.01).tanh()
        y.sum().backward()
        x.grad = None

    return run


def mlp_step(samples, *widths):
    @case(f"mlp_step/{'-'.join(map(str, widths))}")
    def build(t):
        t.manual_seed(0)
        layers = [t.nn.Linear(n, m) for n, m in itertools.pairwise(widths)]
        model = t.nn.Sequential(layers[0], *(part for layer in layers[1:] for part in (t.nn.ReLU(), layer)))
        optimiser = t.optim.Adam(model.parameters())
        x, y = t.randn(samples, widths[0]), t.randint(widths[-1], (samples,))

        def run():
            optimiser.zero_grad()
            t.nn.functional.cross_entropy(model(x), y).backward()
            optimiser.step()

        return run


mlp_step(16, 32, 32, 10)
mlp_step(64, 784, 256, 256, 10)


def calls_per_round(run):
    """Warms up, and counts how many calls fill a round."""
    run()
    calls, spent = 0, 0.0
    start = time.perf_counter()
    while spent < ROUND_SECONDS:
        run()
        calls += 1
        spent = time.perf_counter() - start
    return calls


def one_round(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def measure(build, libraries):
    """{library: seconds per call}, or the error's text where one cannot run the case."""
    runs, result = {}, {}
    for name, library in libraries.items():
        try:
            run = build(library)
            runs[name] = (run, calls_per_round(run), [])
        except Exception as e:
            result[name] = f"{type(e).__name__}: {str(e).splitlines()[0][:100] if str(e) else ''}"
    for _ in range(ROUNDS):
        for run, calls, times in runs.values():
            times.append(one_round(run, calls))
    return result | {name: statistics.median(times) for name, (_, _, times) in runs.items()}


def load(threads):
    libraries = {"rustorch": importlib.import_module("rustorch")}
    try:
        libraries["torch"] = importlib.import_module("torch")
    except ModuleNotFoundError:
        print("torch is not installed: timing rustorch alone", file=sys.stderr)
    for library in libraries.values():
        library.set_num_threads(threads)
    return libraries


def bind(threads):
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])


def show(seconds):
    if isinstance(seconds, str):
        return seconds
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def processor():
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a regular expression that case names match")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--once", action="store_true", help="run each case of rustorch once and fail if one cannot")
    args = parser.parse_args()
    bind(args.threads)
    libraries = load(args.threads)
    chosen = {name: build for name, build in CASES.items() if re.search(args.only, name)}
    if args.once:
        for build in chosen.values():
            build(libraries["rustorch"])()
        print(f"{len(chosen)} cases run")
        return
    rows = {}
    print(f"{'case':28} {'rustorch':>10} {'torch':>10}   times faster")
    for name, build in chosen.items():
        figures = rows[name] = measure(build, libraries)
        a, b = figures["rustorch"], figures.get("torch")
        ratio = f"{b / a:.2f}" if isinstance(a, float) and isinstance(b, float) else "-"
        print(f"{name:28} {show(a):>10} {show(b) if b else '-':>10}   {ratio}", flush=True)
    if args.json:
        about = {
            "processor": processor(),
            "python": platform.python_version(),
            "threads": args.threads,
            "versions": {name: getattr(t, "__version__", "?") for name, t in libraries.items()},
        }
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({"about": about, "seconds": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
