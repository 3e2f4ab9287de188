"""Fails on files that grew too long to read and on paths of somebody's machine.

At 600 lines look for a seam; at 800 this fails.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 800
# Generated, lists of lines that stand alone, or not ours to split.
EXEMPT = re.compile(r"(\.pyi|\.lock|\.txt|docs/reference/.*|benches/every_op\.md|LICENSE-.*)$")
HOME = re.compile(r"(?<![\w.$}])/(?:home|Users|root|work)/[\w.-]+")


def tracked() -> list[str]:
    # New files too, so that the check says before the commit what it would say after.
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return out.stdout.splitlines()


def complaints() -> list[str]:
    found = []
    for name in tracked():
        path = ROOT / name
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MAX_LINES and not EXEMPT.search(name):
            found.append(f"{name}: {len(lines)} lines, at most {MAX_LINES}; look for the seam")
        found += [f"{name}:{n}: names a path of one machine" for n, line in enumerate(lines, 1) if HOME.search(line)]
    return found


if __name__ == "__main__":
    problems = complaints()
    print("\n".join(problems), file=sys.stderr)
    sys.exit(bool(problems))
