"""The machine code of the extension: sums of micro-kernels stay in registers, and their loops call nothing.

Whether a tile fits the registers is the compiler's decision, which a harmless change nearby can turn. A loop of mostly
fused multiply-adds is a micro-kernel, whatever it is called: the wheel has no symbols.
"""

import platform
import re
import shutil
import subprocess

import pytest

from rustorch import _C

FUSED = ("vfmadd", "vfmsub", "vfnmadd", "vdpbf16")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
# Fused multiply-adds of a tile's loop, and their share of it. Epilogues and polynomials have fewer.
LEAST, SHARE = 12, 0.4


def instructions(path):
    """(address, mnemonic, operands) of every instruction."""
    command = ["objdump", "-d", "-w", "--no-show-raw-insn", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        return [m.groups() for m in map(LINE.match, process.stdout) if m]


def innermost_loops(code):
    """Bodies of loops that contain no other, by their jumps back, in order of where they end."""
    place = {address: i for i, (address, _, _) in enumerate(code)}
    latest = -1  # where the loop begins that begins last among those that ended before
    for i, (_, mnemonic, operands) in enumerate(code):
        if mnemonic[0] != "j" or mnemonic == "jmp":
            continue
        target = re.match(r"[0-9a-f]+", operands)
        start = place.get(target.group(), i + 1) if target else i + 1
        if start <= i:
            if latest < start:
                yield code[start : i + 1]
            latest = max(latest, start)


def micro_kernels(code):
    for body in innermost_loops(code):
        fused = sum(mnemonic.startswith(FUSED) for _, mnemonic, _ in body)
        if fused >= LEAST and fused >= SHARE * len(body):
            yield body


def faults(body):
    """Calls, and vectors that are put aside on the stack. (What stays the same may be read from there; arrays have an index.)"""
    for address, mnemonic, operands in body:
        spills = mnemonic.startswith("vmov") and operands.endswith("(%rsp)")
        if mnemonic.startswith("call") or spills:
            yield f"{address}: {mnemonic} {operands}"


def parse(listing):
    return [m.groups() for m in map(LINE.match, listing.strip().splitlines()) if m]


def test_a_spilled_sum_and_a_call_are_found():
    fused = "\n".join(f"  {0x10 + i:x}:\tvfmadd231ps %zmm1,%zmm2,%zmm{i}" for i in range(12))
    for line, count in [
        ("vmovaps %zmm8,0x180(%rsp)", 1),
        ("call 1234 <f>", 1),
        ("vmovaps 0x180(%rsp),%zmm8", 0),
        ("vmovups %zmm8,(%rdi)", 0),
    ]:
        (body,) = micro_kernels(parse(f"{fused}\n  40:\t{line}\n  48:\tjne    10 <f>"))
        assert len(list(faults(body))) == count, line


def test_a_loop_around_another_is_no_micro_kernel():
    fused = "\n".join(f"  {0x10 + i:x}:\tvfmadd231ps %zmm1,%zmm2,%zmm{i}" for i in range(12))
    loops = list(innermost_loops(parse(f"  8:\tnop\n{fused}\n  40:\tjne    10 <f>\n  42:\tjne    8 <f>")))
    assert [loop[0][0] for loop in loops] == ["10"]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86-64 code")
@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump")
def test_micro_kernels_keep_their_sums_in_registers_and_call_nothing():
    kernels = list(micro_kernels(instructions(_C.__file__)))
    assert len(kernels) > 200, "products and convolutions have tiles of many shapes"
    assert [fault for body in kernels for fault in faults(body)] == []
