"""Take another build of the native module, one with sanitizers, for the tests; `make sanitize` does.

A plugin of pytest, also in each of its processes: UNSPOOL_SANITIZED=FOLDER pytest -p tests.sanitized
FOLDER/unspool/ has the module.
"""

import importlib.util
import os
import sys
from pathlib import Path

NAME = "unspool._native"


def take_module(folder: Path) -> None:
    """Load the native module from a folder, so that the package finds this one."""
    (path,) = (folder / "unspool").glob("_native*.so")
    spec = importlib.util.spec_from_file_location(NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module of this Python")
    sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if (folder := os.environ.get("UNSPOOL_SANITIZED")) and NAME not in sys.modules:
    take_module(Path(folder))
