"""Runs what the exporter of C writes: compiled with a short program that prints log-probabilities."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from unspool._artifacts.model_folder import SavedModel

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
PROGRAM = """
#include <stdio.h>

#include "model.h"

static void read_numbers(void *to, size_t size, size_t count) {
    if (fread(to, size, count, stdin) != count) puts("too few numbers");
}

int main(void) {
    static model_state state;
    static float logprobs[MODEL_SYMBOLS];
    int32_t count = 0, symbol;
    model_start(&state, 0, 0);
#ifdef MODEL_CONTEXT
    float context[MODEL_CONTEXT];
    read_numbers(context, sizeof *context, MODEL_CONTEXT);
    model_set_context(&state, context);
#endif
#ifdef MODEL_VECTOR
    float vector[MODEL_VECTOR];
    read_numbers(vector, sizeof *vector, MODEL_VECTOR);
    model_set_vector(&state, vector);
#endif
#ifdef MODEL_SOURCE_SYMBOLS
    for (read_numbers(&count, sizeof count, 1); count > 0; --count) {
        read_numbers(&symbol, sizeof symbol, 1);
        model_read_source(&state, symbol);
    }
#endif
    for (read_numbers(&count, sizeof count, 1); count > 0; --count) {
        read_numbers(&symbol, sizeof symbol, 1);
        model_read(&state, symbol);
        model_logprobs(&state, logprobs);
        fwrite(logprobs, sizeof *logprobs, MODEL_SYMBOLS, stdout);
    }
    return 0;
}
"""


def compiled(folder: Path, program: str, *options: str, compiler: str = "cc") -> Path:
    """Compile a program with the source of a model, whose name is ``model``; skip without a compiler."""
    if shutil.which(compiler) is None:
        pytest.skip(f"needs the compiler {compiler}")
    source, out = folder / "program.c", folder / "program"
    source.write_text(program)
    command = [compiler, *(options or [*STRICT, "-O1"]), str(source), str(folder / "model.c"), "-o", str(out)]
    done = subprocess.run([*command, "-lm"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Return the log-probabilities after each id.  # (T, V)."""
    parts = [asked.context, asked.start]
    for ids in (asked.source, asked.ids):
        parts += [] if ids is None else [np.int32(len(ids)), ids]
    given = b"".join(part.tobytes() for part in parts if part is not None)
    done = subprocess.run([compiled(path, PROGRAM)], input=given, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(asked.ids), model.network.symbols)
