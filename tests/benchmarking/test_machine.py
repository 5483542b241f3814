"""The machine is described from what the system says of it."""

from unspool._benchmarking.machine import BF16, describe, first_flag, installed, processor
from unspool._kernels.machine import kernel_names

INTEL = ["model name\t: Some Xeon @ 2 GHz", "flags\t\t: fpu avx2 avx512f avx512_bf16"]
ARM = ["BogoMIPS\t: 50.00", "Features\t: fp asimd bf16"]


def test_flags_and_names_are_read() -> None:
    assert processor(INTEL) == "Some Xeon @ 2 GHz"
    assert processor(ARM)
    assert first_flag(INTEL, BF16) == "avx512_bf16"
    assert first_flag(ARM, BF16) == "bf16"
    assert first_flag(["model name : bf16", "flags : sse"], BF16) is None
    assert first_flag([], BF16) is None


def test_this_machine_is_described() -> None:
    machine = describe(threads=3)
    assert machine.threads == 3
    assert machine.kernels in kernel_names()
    assert machine.versions["numpy"] == installed("numpy")
    assert "no such package" not in machine.versions
    assert installed("no such package") is None
