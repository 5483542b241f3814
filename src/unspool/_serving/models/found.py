"""Which models there are in folders, under names that stay."""

import os
from collections.abc import Iterator
from pathlib import Path

from unspool._artifacts.belonging import COUNTS, NOVELTY
from unspool._artifacts.model_folder import CONFIG, GENERATION, MODEL, SOURCE_TOKENIZER, TOKENIZER
from unspool._json_files import fingerprint

FILES = (MODEL, CONFIG, TOKENIZER, SOURCE_TOKENIZER, GENERATION, COUNTS, NOVELTY)
MOST_FOLDERS = 10_000  # that are looked into

FileMark = tuple[int, int, int] | None


def mark_of(folder: Path) -> tuple[FileMark, ...] | None:
    """Return what changes with any file of a model, or None if there is no model."""
    marks = tuple(_mark(folder / name) for name in FILES)
    return None if marks[0] is None else marks


def _mark(path: Path) -> FileMark:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def short_mark(mark: tuple[FileMark, ...], precision: str, *, counts: bool) -> str:
    """Return twelve characters that change with the state of a folder and with how its model is used.

    As long as they are the same, a seed is the same text.

    Args:
        mark: The state of the folder, from `mark_of`.
        precision: The number format of the products.
        counts: Whether counts beside the network are used.
    """
    files = [list(one or ()) for one in mark]
    return fingerprint({"files": files, "precision": precision, "counts": counts})[:12]


class FoundModels:
    """The folders of models below some roots.

    A root is the folder of a model, or a folder with such folders. The name of a model is that of its folder,
    after that of its root if another has it already. A name that was given stays with its folder.

    Args:
        roots: The folders, in the order in which they were named.
    """

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots
        self._names: dict[Path, str] = {}

    def look(self) -> dict[str, Path]:
        """Return the folders that hold a model now, by name."""
        found: dict[str, Path] = {}
        for root in self._roots:
            for folder in _folders_of(root):
                name = self._names.get(folder) or self._new_name(folder, root)
                self._names[folder] = name
                found.setdefault(name, folder)
        return found

    def _new_name(self, folder: Path, root: Path) -> str:
        taken = set(self._names.values())
        whole = folder.resolve()
        parent = whole.parent.name if folder == root else root.resolve().name
        name = longer = f"{parent}/{whole.name}"
        number = 1
        if whole.name not in taken:
            return whole.name
        while name in taken:
            number += 1
            name = f"{longer}-{number}"
        return name


def _folders_of(root: Path) -> Iterator[Path]:
    """Yield the folders of models at a root."""
    if (root / MODEL).exists():
        yield root
        return
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for _, entry in zip(range(MOST_FOLDERS), entries, strict=False))
    except OSError:
        return
    for name in names:
        if (root / name / MODEL).exists():
            yield root / name
