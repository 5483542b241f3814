"""The kernels in use are the best that the processor has: its own words, read by the system, say which."""

import platform
import re
import sys
from pathlib import Path

import pytest

from unspool._kernels.machine import kernel_names

AVX2 = {"avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512vl", "avx512bw", "avx512dq"}
BF16 = AVX512 | {"avx512_bf16", "avx512_vnni"}
# The flags that each set of kernels needs, as Linux writes them in /proc/cpuinfo; the best one first.
NEEDED: dict[str, dict[str, set[str]]] = {
    "x86_64": {
        "amx_bf16": BF16 | {"amx_tile", "amx_bf16"},
        "avx512_bf16": BF16,
        "avx512_vnni": AVX512 | {"avx512_vnni"},
        "avx512": AVX512,
        "avx2_vnni": AVX2 | {"avx_vnni"},
        "avx2": AVX2,
        "generic": set(),
    },
    "aarch64": {"neon_bf16": {"bf16", "asimddp"}, "neon": set()},
}


def processor() -> tuple[set[str], bool]:
    """Return the flags of the processor, and whether Intel made it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n", maxsplit=1)[0].splitlines()
    rows = [line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))]
    return set(" ".join(rows).split()), any("GenuineIntel" in line for line in lines)


def test_all_that_the_processor_has_is_there_and_the_best_comes_first() -> None:
    if sys.platform != "linux" or platform.machine() not in NEEDED:
        pytest.skip("only Linux has /proc/cpuinfo")
    flags, intel = processor()
    slower = {"avx512_bf16"} if intel else set()  # on Intel's processors it is slower than float32
    expected = [name for name, needed in NEEDED[platform.machine()].items() if needed <= flags]
    assert list(kernel_names()) == [name for name in expected if name not in slower]


# As Intel's manual numbers them: CPUID, and XCR0 for what the system saves.
BITS = {
    "kFma": {12}, "kXgetbv": {27}, "kAvx2": {5}, "kAvx512": {16, 17, 30, 31}, "kAmxBf16": {22, 24},
    "kAvx512Bf16": {5}, "kAvxVnni": {4}, "kVnni": {11}, "kYmm": {1, 2}, "kZmm": {1, 2, 5, 6, 7},
    "kTiles": {17, 18},
}  # fmt: skip


def test_what_is_asked_of_an_x86_processor_has_the_bits_of_the_manual() -> None:
    """A processor that has everything says yes to other bits as well."""
    source = (Path(__file__).parents[2] / "native" / "dispatch" / "x86.h").read_text("utf-8")
    asked = dict(re.findall(r"\b(k\w+) = ([^,;]+)[,;]", source))
    numbers = {name: sum(map(_bits, value.split("|"))) for name, value in asked.items()}
    maker = int.from_bytes(b"Genu", "little")
    assert numbers == {name: sum(1 << bit for bit in bits) for name, bits in BITS.items()} | {"kGenu": maker}


def _bits(text: str) -> int:
    """Return the number that is written as `1u << 5` or `0x6`."""
    number, _, shift = text.partition("<<")
    return int(number.strip().rstrip("u"), 0) << int(shift or 0)
