"""First lines of the docstrings of Python's standard library, read from its source files.

Several thousand short English lines that every machine already has. Nothing is imported: the files are
parsed. The lines differ a little from one version of Python to the next.
"""

import ast
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from unspool._errors import CorpusError

# Tests and tools, modules that newer versions dropped, tables, and Python twins of C modules.
# fmt: off
LEFT_OUT = frozenset({
    "__pycache__", "_pydecimal", "_pyio", "aifc", "dist-packages", "distutils", "encodings", "ensurepip",
    "idlelib", "lib-dynload", "lib2to3", "nntplib", "pickletools", "pydoc_data", "site-packages", "test",
    "tests", "this", "turtledemo",
})
# fmt: on
LONGEST = 100  # characters; a longer first line is a paragraph


@cache
def docstring_rows() -> tuple[tuple[str, str], ...]:
    """Return (first line, top-level module) of every docstring, each line once, in the order of the files.

    A line counts if it has at least two words and at most 100 characters, all of them ASCII.

    Raises:
        CorpusError: If the standard library is installed without its source files.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    module_of: dict[str, str] = {}
    for path in _source_files(folder):
        label = path.relative_to(folder).parts[0].removesuffix(".py")
        for docstring in _docstrings(path):
            line = " ".join(docstring.strip().split("\n", 1)[0].split())
            if " " in line and len(line) <= LONGEST and line.isascii() and line.isprintable():
                module_of.setdefault(line, label)
    if not module_of:
        raise CorpusError(
            f"corpus docstrings: no Python source files in {folder}",
            expected="the standard library with its sources",
            hint="install Python with them, or train on a file of your own",
        )
    return tuple(module_of.items())


def _source_files(folder: Path) -> Iterator[Path]:
    """Yield the files in an order that does not depend on the file system; files come before folders."""
    entries = sorted(folder.iterdir(), key=lambda path: path.name) if folder.is_dir() else []
    included = [path for path in entries if path.name.removesuffix(".py") not in LEFT_OUT]
    yield from (path for path in included if path.suffix == ".py" and path.is_file())
    for path in included:
        if path.is_dir() and path.name.isidentifier():
            yield from _source_files(path)


def _docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a file's module, classes and functions; none if it is not valid Python."""
    try:
        module = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return  # an example of bad Python, or a file that only its owner may read
    yield ast.get_docstring(module, clean=False) or ""
    yield from _inner_docstrings(module.body)


def _inner_docstrings(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False) or ""
        if isinstance(node, ast.ClassDef):
            yield from _inner_docstrings(node.body)
