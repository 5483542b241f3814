"""Programs that leave with a model, run here: each is a file of the source, and stays the same on its way."""

import importlib.util
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from unittest import mock

import unspool

SOURCES = Path(unspool.__file__).parent / "_exporting"


def imported(program: Path, source: str) -> ModuleType:
    """Import a program from where it was written, after a check that it is the file of the source.

    Args:
        program: The program.
        source: The file below `_exporting` whose copy it is, which tracebacks name.
    """
    spec = importlib.util.spec_from_file_location("program", program)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    text = program.read_bytes()
    assert text == (SOURCES / source).read_bytes()
    exec(compile(text, SOURCES / source, "exec"), vars(module))
    return module


def printed(program: ModuleType, *words: str) -> str:
    """Return what a program prints that is called with these words."""
    with mock.patch.object(sys, "argv", [program.__file__, *words]), redirect_stdout(io.StringIO()) as out:
        program.main()
    return out.getvalue()
