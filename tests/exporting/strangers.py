"""What a user of exported files has: a model to compare with, and a program in which unspool is not there."""

import os
import subprocess
import sys
from pathlib import Path

from unspool._artifacts.model_folder import SavedModel
from unspool._model.generator import Generator

# Asked before all else that finds modules, those of editable installs too.
WITHOUT = """
import sys


class Without:
    @staticmethod
    def find_spec(name, *_):
        if name.partition(".")[0] == "unspool":
            raise ImportError("no unspool here")


sys.meta_path.insert(0, Without)
"""


def generator_of(model: SavedModel) -> Generator:
    """Make the model that a user of unspool has."""
    return Generator(
        network=model.network,
        tokenizer=model.tokenizer,
        parameters=model.parameters,
        data=model.data,
        source_tokenizer=model.source_tokenizer,
    )


def run_without_unspool(program: Path, *words: str, code: int = 0) -> str:
    """Run a Python program where importing unspool fails, and return what it prints, or its last error."""
    there = program.parent.parent
    (there / "sitecustomize.py").write_text(WITHOUT)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(there), "PYTHONIOENCODING": "utf-8"}
    imported = [sys.executable, "-c", "import unspool"]
    assert (
        b"no unspool here"
        in subprocess.run(imported, env=environment, capture_output=True, check=False).stderr
    )
    command = [sys.executable, str(program), *words]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stderr
    return done.stderr.splitlines()[-1] if code else done.stdout
