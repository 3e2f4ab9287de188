"""Sets up and builds the project in .venv: the part of the Makefile that must work on a bare machine.

    python tools/dev.py install [EXTRA ...]      dependencies, and the named extras of pyproject.toml
    python tools/dev.py build [--profile NAME]   the extension module, unless the sources are those of the last build
    python tools/dev.py run COMMAND [ARG ...]    a command of .venv
    python tools/dev.py wheel                    a wheel in dist/, at most 15 MB

Needs Python 3.11 or later and its standard library only. Each step leaves a stamp with a hash of what it read, and is
skipped while that stays the same, so `make test` after `make demo` builds nothing.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the check that older ones are told by
    sys.exit(f"rustorch needs Python 3.11 or later; this is {sys.version.split()[0]}. Try: make PYTHON=python3.13 ...")

import tomllib

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
MAX_WHEEL = 15_000_000  # bytes

NO_VENV = """\
This Python ({python}) cannot make virtual environments. On Debian and Ubuntu:

    sudo apt-get install python3-venv

or install virtualenv or uv, and run this again."""

NO_INDEX = """\
pip could not install: {packages}
Its messages stand above. Without a way to pypi.org, name a mirror or a folder of wheels and run this again:

    export PIP_INDEX_URL=https://mirror.example/simple      or      export PIP_FIND_LINKS=/path/to/wheels PIP_NO_INDEX=1"""

NO_CARGO = """\
Rust is missing: no `cargo` on PATH or in ~/.cargo/bin. Install the stable toolchain and run this again:

    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"""

NO_BUILD = """\
The build failed; the compiler's messages stand above. Where they speak of the network, cargo could not fetch the crates
of Cargo.lock: check the connection or set a mirror in ~/.cargo/config.toml."""


def die(text: str) -> None:
    sys.exit(f"\n{text}\n")


def say(text: str) -> None:
    print(f"-- {text}", flush=True)


def call(*command: object, **options) -> int:
    return subprocess.run([str(c) for c in command], cwd=ROOT, check=False, **options).returncode


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


class Stamp:
    """What a step read when it last succeeded."""

    def __init__(self, name: str, *parts: str):
        self.path = STAMPS / name
        self.value = hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def fresh(self) -> bool:
        return self.path.is_file() and self.path.read_text() == self.value

    def write(self) -> None:
        STAMPS.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.value)


def works(python: Path) -> bool:
    """Does this interpreter run, with pip and a version that we support? A moved or updated Python breaks it."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return call(python, "-c", check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def ensure_venv() -> None:
    if works(PYTHON):
        return
    say(f"making .venv with Python {sys.version.split()[0]}")
    ways = []
    if importlib.util.find_spec("ensurepip"):  # Debian ships it in python3-venv, apart from python3
        ways.append([sys.executable, "-m", "venv"])
    if importlib.util.find_spec("virtualenv"):
        ways.append([sys.executable, "-m", "virtualenv", "-q"])
    if tool := shutil.which("virtualenv"):
        ways.append([tool, "-q", "-p", sys.executable])
    if tool := shutil.which("uv"):
        ways.append([tool, "venv", "-q", "--seed", "--python", sys.executable])
    for way in ways:
        shutil.rmtree(VENV, ignore_errors=True)
        if call(*way, VENV) == 0 and works(PYTHON):
            return
    die(NO_VENV.format(python=sys.executable))


def pip_install(name: str, packages: list[str]) -> None:
    if not packages:
        return
    stamp = Stamp(f"pip-{name}", sys.version, *packages)
    if stamp.fresh():
        return
    say(f"installing {name}: {', '.join(packages)}")
    if call(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages):
        die(NO_INDEX.format(packages=", ".join(packages)))
    stamp.write()


def install(extras: list[str]) -> None:
    ensure_venv()
    config = project()
    known = config["project"]["optional-dependencies"]
    if unknown := [e for e in extras if e not in known]:
        die(f"pyproject.toml has no extra {unknown[0]!r}; it has {', '.join(known)}.")
    pip_install("runtime", config["project"]["dependencies"])
    for extra in extras:
        pip_install(extra, known[extra])


def environment() -> dict[str, str]:
    """Ours, with .venv and cargo first in PATH."""
    env = os.environ.copy()
    path = [str(BIN), env.get("PATH", "")]
    if not shutil.which("cargo"):
        home = Path(env.get("CARGO_HOME", Path.home() / ".cargo")) / "bin"
        if not shutil.which("cargo", path=str(home)):
            die(NO_CARGO)
        path.insert(1, str(home))
    env["PATH"] = os.pathsep.join(path)
    env["VIRTUAL_ENV"] = str(VENV)
    env["PYO3_PYTHON"] = str(PYTHON)
    return env


def interpreter() -> tuple[str, str]:
    """Version and file suffix of extension modules of .venv's Python."""
    code = (
        "import sys, sysconfig; print(sys.version.replace(chr(10), ' ')); print(sysconfig.get_config_var('EXT_SUFFIX'))"
    )
    out = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout
    version, suffix = out.splitlines()
    return version, suffix


def source_hash(version: str) -> str:
    """A hash of all that the extension module is made from, and for which interpreter."""
    h = hashlib.sha256(version.encode())
    h.update(os.environ.get("RUSTFLAGS", "").encode())
    files = [ROOT / name for name in ("Cargo.toml", "Cargo.lock", "build.rs", "pyproject.toml")]
    for folder in ("src", "shaders", ".cargo"):
        files += sorted((ROOT / folder).rglob("*"))
    for file in files:
        if file.is_file():
            h.update(f"\0{file.relative_to(ROOT).as_posix()}\0".encode())
            h.update(file.read_bytes())
    return h.hexdigest()


def build(profile: str) -> None:
    """Build the extension module into python/rustorch. `any` is content with what `make dev` built."""
    install([])
    version, suffix = interpreter()
    sources = source_hash(version)
    wanted = ["release", "dev-fast"] if profile == "any" else [profile]
    module = ROOT / "python" / "rustorch" / f"_C{suffix}"
    if module.is_file() and any(Stamp("build", sources, p).fresh() for p in wanted):
        return
    profile = wanted[0]
    env = environment()
    pip_install("build", project()["build-system"]["requires"])
    say(f"building the extension module ({profile}); the first time takes minutes")
    (STAMPS / "build").unlink(missing_ok=True)
    if call(PYTHON, "-m", "maturin", "develop", "--profile", profile, env=env):
        die(NO_BUILD)
    Stamp("build", sources, profile).write()


def wheel() -> None:
    install([])
    env = environment()
    pip_install("build", project()["build-system"]["requires"])
    dist = ROOT / "dist"
    for old in dist.glob("*.whl"):
        old.unlink()
    if call(PYTHON, "-m", "maturin", "build", "--release", "--out", dist, "--interpreter", PYTHON, env=env):
        die(NO_BUILD)
    for file in dist.glob("*.whl"):
        size = file.stat().st_size
        say(f"{file.relative_to(ROOT)}: {size / 1e6:.2f} MB")
        if size > MAX_WHEEL:
            die(
                f"{file.name} has {size} bytes, and the limit is {MAX_WHEEL}. Look for what grew: cargo bloat --release."
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("install")
    p.add_argument("extras", nargs="*")
    p = commands.add_parser("build")
    p.add_argument("--profile", default="any", choices=["any", "release", "dev-fast"])
    p = commands.add_parser("run")
    p.add_argument("line", nargs=argparse.REMAINDER)
    commands.add_parser("wheel")
    args = parser.parse_args()
    match args.command:
        case "install":
            install(args.extras)
        case "build":
            build(args.profile)
        case "run":
            env = environment()
            tool = shutil.which(args.line[0], path=env["PATH"]) or die(f"{args.line[0]}: not found in .venv or PATH")
            sys.exit(call(tool, *args.line[1:], env=env))
        case "wheel":
            wheel()


if __name__ == "__main__":
    main()
