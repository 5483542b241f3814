"""The C of a model on a Cortex-M4: its size, and the same text under an emulator."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.exporting.cases import model_of
from tests.exporting.runners.c import STRICT, compiled
from unspool import CharTokenizer, GenerationOptions, NetworkConfig
from unspool._artifacts.model_folder import SavedModel
from unspool._configuration import to_dict
from unspool._exporting.c import c_files
from unspool._exporting.exporter import ModelToExport
from unspool._network.parameters import initialize
from unspool._network.quantization import rounded

COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
BOARD = Path(__file__).parent / "cortex_m4"
CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os"]
PROGRAM = """
#include <stdio.h>

#include "model.h"

int main(void) {
    static model_state state;
    static char text[1024];
    const model_options options = {0.9f, 9, 0.95, 0.01f, 0, 30};
    model_start(&state, 7, 0);
    for (int i = 0; i < 5; ++i) {
        const ptrdiff_t size = model_write(&state, "pl", text, sizeof text, &options);
        fwrite(text, 1, size < 0 ? 0 : (size_t)size, stdout);
        putchar('\\n');
    }
    return 0;
}
"""
pytestmark = [pytest.mark.slow, pytest.mark.portable]


def folder_of(model: SavedModel, folder: Path, precision: str) -> Path:
    """Write the files of a model and the program."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"needs {COMPILER} (Debian: gcc-arm-none-eabi, libnewlib-arm-none-eabi)")
    for name, content in c_files(ModelToExport(model, "model", precision)).items():
        (folder / name).write_bytes(content)
    (folder / "program.c").write_text(PROGRAM)
    return folder


def lesson_sized() -> SavedModel:
    """Return a model of the size of the lesson's: 128 units, 84 symbols."""
    tokenizer = CharTokenizer([chr(33 + i) for i in range(82)])
    network = NetworkConfig(vocab_size=84)
    return SavedModel(
        network,
        tokenizer,
        rounded(initialize(network, 0), "int8"),
        generation_config=to_dict(GenerationOptions()),
    )


def sizes(file: Path) -> tuple[int, int, int]:
    """Return the bytes of the program with its constants, of variables with values, and of others."""
    done = subprocess.run(["arm-none-eabi-size", str(file)], capture_output=True, text=True, check=True)
    text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
    return text, data, bss


def test_the_model_of_the_lesson_fits_a_small_chip(tmp_path: Path) -> None:
    model = lesson_sized()
    folder = folder_of(model, tmp_path, "int8")
    for name in ("model", "program"):
        command = [COMPILER, *CORTEX_M4, *STRICT, "-Wdouble-promotion", "-c", f"{name}.c"]
        subprocess.run(command, cwd=folder, check=True)
    text, data, bss = sizes(folder / "model.o")
    parameters = sum(values.size for values in model.parameters.values())
    assert (data, bss) == (0, 0)  # all that it has are constants
    assert parameters < text < parameters + 20_000
    assert sizes(folder / "program.o")[2] < 16_000  # the state and a text


@pytest.mark.parametrize("case", ["lstm-L1", "gru-L2", "words"])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_it_writes_the_same_text_as_here(case: str, precision: str, tmp_path: Path) -> None:
    folder = folder_of(model_of(case), tmp_path, precision)
    if shutil.which(EMULATOR) is None:
        pytest.skip(f"needs {EMULATOR} (Debian: qemu-system-arm)")
    sources = [BOARD / "startup.c", folder / "program.c", folder / "model.c"]
    options = ["--specs=nano.specs", "--specs=rdimon.specs", "-nostartfiles", "-T", BOARD / "memory.ld"]
    command = [COMPILER, *CORTEX_M4, *options, *sources, "-o", folder / "board.elf", "-lm"]
    subprocess.run(command, check=True)
    machine = ["-M", "mps2-an386", "-nographic", "-semihosting", "-kernel", folder / "board.elf"]
    there = subprocess.run([EMULATOR, *machine], capture_output=True, check=True, timeout=120).stdout
    here = subprocess.run([compiled(folder, PROGRAM)], capture_output=True, check=True).stdout
    assert len(here) > 30
    assert there == here
