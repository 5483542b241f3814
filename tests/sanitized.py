"""Run tests with another build of the native module, one with sanitizers; `make sanitize` does.

Usage: python -m tests.sanitized FOLDER [ARGUMENTS OF PYTEST]     FOLDER/unspool/ has the module
"""

import importlib.util
import sys
from pathlib import Path

import pytest

NAME = "unspool._native"


def take_module(folder: Path) -> None:
    """Load the native module from a folder, so that the package finds this one."""
    (path,) = (folder / "unspool").glob("_native*.so")
    spec = importlib.util.spec_from_file_location(NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module of this Python")
    sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    take_module(Path(sys.argv[1]))
    sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]]))
