"""`python -m rustorch script.py`: runs a PyTorch program on rustorch, with `import torch` meaning rustorch."""

import os
import runpy
import sys

from rustorch import _alias

USAGE = """usage: python -m rustorch (script.py | -m module | -c code) [argument ...]

Runs a program in which `import torch` and `import torch.nn` mean rustorch."""


def main():
    """Run the program named on the command line."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    _alias.install()
    first = arguments[0]
    if first in ("-m", "-c"):
        if len(arguments) < 2:
            print(USAGE, file=sys.stderr)
            return 2
        sys.argv = [first if first == "-c" else arguments[1], *arguments[2:]]
        if first == "-m":
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
        return 0
    if not os.path.exists(first):
        print(
            f"python -m rustorch: expected a script, but there is no file {first!r}. Check the path.", file=sys.stderr
        )
        return 2
    sys.argv = arguments
    # Python puts the script's folder first; `-m rustorch` has put the current one there.
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.abspath(first))
    runpy.run_path(first, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
