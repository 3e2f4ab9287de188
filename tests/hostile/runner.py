"""The child process of the fuzzer: evaluates lines of code against one library and reports what each gave.

Started as `python runner.py MODULE SECONDS`; reads a JSON list of lines from stdin and writes one JSON line when a case
starts and one when it ends, so that a crash or a hang is attributed to its case.
"""

import ast
import importlib
import json
import os
import resource
import signal
import sys
import warnings

warnings.simplefilter("ignore")

# Memory that one case may ask for on top of what the imports took: absurd sizes fail at once in both libraries.
ROOM = 3 << 29
# Elements whose values are compared; more would only say the same again.
SHOWN = 64


class Evil:
    """Raises from every protocol that a library may try on an argument."""

    def _raise(self, *_):
        raise ZeroDivisionError("evil")

    __index__ = __int__ = __float__ = __bool__ = __len__ = __getitem__ = __iter__ = __complex__ = _raise
    __array__ = None


class EvilFunction:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise ZeroDivisionError("evil")


class Indexable:
    def __index__(self):
        return 1


class Subint(int):
    pass


class Shrinking(list):
    """A list whose items empty it while it is read."""

    def __init__(self, n=8):
        super().__init__(self.Item(self) for _ in range(n))

    class Item:
        def __init__(self, owner):
            self.owner = owner

        def __index__(self):
            self.owner.clear()
            return 1


def loop():
    """A list that holds itself."""
    x = []
    x.append(x)
    return x


def deep(n=100000):
    x = []
    for _ in range(n):
        x = [x]
    return x


def names(torch):
    """What the lines may name besides Python's builtins."""

    def T(*shape, dtype="float32", grad=False, device=None):
        """A tensor of small numbers that repeat after 7."""
        n = 1
        for d in shape:
            n *= d
        kind = getattr(torch, dtype)
        if dtype == "bool":
            values = [i % 3 != 1 for i in range(n)]
        elif "int" in dtype:
            values = [i % 3 for i in range(n)]
        else:
            values = [(i % 7) * 0.25 + 0.125 for i in range(n)]
        x = torch.tensor(values, dtype=kind).reshape(shape)
        return x.to(device) if device else x.requires_grad_() if grad else x

    def emptied(*shape):
        """A tensor whose storage was taken away."""
        x = T(*shape)
        x.untyped_storage().resize_(0)
        return x

    def behind():
        """A view whose base was made empty."""
        x = T(4, 3)
        v = x[1:]
        x.resize_(0)
        x.untyped_storage().resize_(0)
        return v

    def overlapping():
        return T(8).as_strided((3, 3), (1, 1))

    def inferred():
        with torch.inference_mode():
            return T(2, 3)

    inf, nan = float("inf"), float("nan")
    return dict(
        locals(),
        np=importlib.import_module("numpy"),
        torch=torch,
        F=torch.nn.functional,
        nn=torch.nn,
        Evil=Evil,
        EvilFunction=EvilFunction,
        deep=deep,
        Indexable=Indexable,
        Subint=Subint,
        Shrinking=Shrinking,
        loop=loop,
    )


def shown(x, torch, depth=0):
    """A result as JSON: tensors by dtype, shape and values, everything else by its type."""
    if isinstance(x, torch.Tensor):
        if x.device.type != "cpu":
            return ["meta", str(x.dtype).split(".")[-1], [str(n) for n in x.shape]]
        values = None
        if x.numel() <= SHOWN and (x.untyped_storage().nbytes() > 0 or x.numel() == 0):
            values = [repr(v) for v in x.detach().reshape(-1).tolist()]
        return ["tensor", str(x.dtype).split(".")[-1], [str(n) for n in x.shape], values]
    if isinstance(x, list | tuple) and depth < 4:
        return ["list", *[shown(v, torch, depth + 1) for v in x[:8]]]
    if isinstance(x, bool | int | float | complex):
        return ["number", repr(x)]
    return ["object", type(x).__name__]


def evaluate(code, space):
    """The value of the last statement of a line."""
    tree = ast.parse(code)
    space = dict(space)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<case>", "exec"), space)
    return eval(compile(ast.Expression(last.value), "<case>", "eval"), space) if last else None


def main():
    module = importlib.import_module(sys.argv[1])
    seconds = float(sys.argv[2])
    report = os.dup(1)
    noise = os.open("/dev/null", os.O_WRONLY)
    os.dup2(noise, 1)
    try:
        with open("/proc/self/statm") as f:
            used = int(f.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    except OSError:
        pass
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    space = names(module)
    for i, code in enumerate(json.load(sys.stdin)):
        os.write(report, b'{"start": %d}\n' % i)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            module.manual_seed(0)
            end = {"ok": shown(evaluate(code, space), module)}
        except BaseException as e:
            end = {"error": type(e).__name__, "text": str(e)[:600]}
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Modes must survive errors; what a case left behind is reported and undone.
        end["modes"] = [module.is_grad_enabled(), module.is_inference_mode_enabled()]
        module._C._set_grad_enabled(True)
        os.write(report, json.dumps({"end": i, **end}).encode() + b"\n")


if __name__ == "__main__":
    main()
