"""The machine code of the extension: sums of micro-kernels stay in registers, and their loops call nothing.

Whether a tile fits the registers is the compiler's decision, which a harmless change nearby can turn. A loop of mostly
fused multiply-adds is a micro-kernel, whatever it is called: the wheel has no symbols.
"""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections import deque
from pathlib import Path

import pytest

from rustorch import _C

FUSED = ("vfmadd", "vfmsub", "vfnmadd", "vdpbf16")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
# Fused multiply-adds of a tile's loop, and their share of it. Epilogues and polynomials have fewer.
LEAST, SHARE = 12, 0.4
# Instructions of a loop that is looked at.
LONGEST = 1024


def instructions(lines):
    """(address, mnemonic, operands) of every instruction of a listing."""
    for found in map(LINE.match, lines):
        if found:
            address, mnemonic, operands = found.groups()
            yield int(address, 16), mnemonic, operands


def innermost_loops(code):
    """Bodies of loops that contain no other, by their jumps back, in order of where they end."""
    recent = deque(maxlen=LONGEST)
    latest = -1  # where the loop begins that begins last among those that ended before
    for instruction in code:
        recent.append(instruction)
        address, mnemonic, operands = instruction
        target = re.match(r"[0-9a-f]+", operands) if mnemonic[0] == "j" and mnemonic != "jmp" else None
        start = int(target.group(), 16) if target else address + 1
        if start <= address:
            if latest < start and recent[0][0] <= start:
                body = []
                for earlier in reversed(recent):
                    if earlier[0] < start:
                        break
                    body.insert(0, earlier)
                yield body
            latest = max(latest, start)


def is_fault(mnemonic, operands):
    """A call, or a vector that is put aside on the stack. (What stays the same may be read from there; arrays have an
    index.)"""
    return mnemonic.startswith("call") or (mnemonic.startswith("vmov") and operands.endswith("(%rsp)"))


def micro_kernels(code):
    for body in innermost_loops(code):
        fused = sum(mnemonic.startswith(FUSED) for _, mnemonic, _ in body)
        # What a fault adds does not count, or the worst ones would go unseen.
        rest = sum(not is_fault(mnemonic, operands) and "(%rsp)" not in operands for _, mnemonic, operands in body)
        # A polynomial takes a constant for each of its multiplications; with many of them it cannot but spill.
        constants = sum("(%rip)" in operands for _, _, operands in body)
        if fused >= LEAST and fused >= SHARE * rest and constants < fused / 2:
            yield body


def faults(body):
    return [f"{at:x}: {mnemonic} {operands}" for at, mnemonic, operands in body if is_fault(mnemonic, operands)]


def is_release_build():
    """Is the extension what `make build` makes? `make dev` leaves kernels in pieces."""
    spec = importlib.util.spec_from_file_location("dev", Path(__file__).resolve().parent.parent / "tools" / "dev.py")
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    version, _ = dev.interpreter()
    return not dev.Stamp("build", dev.source_hash(version), "dev-fast").fresh()


def loop(*more):
    fused = [f"  {0x10 + i:x}:\tvfmadd231ps %zmm1,%zmm2,%zmm{i}" for i in range(12)]
    return [*fused, *(f"  {0x40 + i:x}:\t{line}" for i, line in enumerate(more)), "  90:\tjne    10 <f>"]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("vmovaps %zmm8,0x180(%rsp)", 1),
        ("call 1234 <f>", 1),
        ("vmovaps 0x180(%rsp),%zmm8", 0),
        ("vmovups %zmm8,(%rdi)", 0),
        ("vmovupd %zmm2,0x220(%rsp,%rdi,8)", 0),
    ],
)
def test_a_spilled_sum_and_a_call_are_found(line, count):
    (body,) = micro_kernels(instructions(loop(line)))
    assert len(faults(body)) == count


def test_a_kernel_that_spills_all_its_sums_is_still_one():
    spills = [line for i in range(12) for line in (f"vmovaps 0x{i}80(%rsp),%zmm8", f"vmovaps %zmm8,0x{i}80(%rsp)")]
    (body,) = micro_kernels(instructions(loop(*spills)))
    assert len(faults(body)) == 12


def test_a_polynomial_is_no_micro_kernel():
    constants = [f"vbroadcastss 0x{i}00(%rip),%zmm9" for i in range(10)]
    assert list(micro_kernels(instructions(loop(*constants, "vmovaps %zmm8,0x180(%rsp)")))) == []


def test_a_loop_around_another_is_no_micro_kernel():
    nested = ["  8:\tnop", *loop(), "  92:\tjne    8 <f>"]
    assert [body[0][0] for body in innermost_loops(instructions(nested))] == [0x10]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86-64 code")
@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump")
def test_micro_kernels_keep_their_sums_in_registers_and_call_nothing():
    if not is_release_build():
        pytest.skip("a build for development")
    command = ["objdump", "-d", "-w", "--no-show-raw-insn", _C.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        kernels = list(micro_kernels(instructions(process.stdout)))
    assert len(kernels) > 200, "products and convolutions have tiles of many shapes"
    assert [fault for body in kernels for fault in faults(body)] == []
