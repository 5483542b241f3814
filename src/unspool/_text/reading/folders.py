"""The files of a folder: which are read, which are passed over, and what earlier versions stored of it."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unspool._errors import CorpusError
from unspool._screen.wording import counted
from unspool._text.reading.places import refuse_unreadable

MOST_SHOWN = 6  # kinds of files in a message


@dataclass(frozen=True)
class FileList:
    """The files of one source.

    Args:
        files: The files to read, in the order of their paths.
        remark: A sentence on the files that are passed over, or None.
    """

    files: list[Path]
    remark: str | None = None


def list_files(path: Path, suffixes: Sequence[str], *, every: bool, packed: bool) -> FileList:
    """List the files of a folder, also in folders inside, or the one file that a path leads to.

    Hidden files and folders, folders behind links, and those of runs and models inside are left out.

    Args:
        path: The folder or the file.
        suffixes: The suffixes of the files to read in a folder.
        every: Whether all files of the folder are read, whatever their suffix.
        packed: Whether the files may have ``.gz`` after their suffix.

    Raises:
        CorpusError: If the folder has no such file.
    """
    if not path.is_dir():
        return FileList([path])
    files = sorted(_files_in(path), key=lambda file: file.relative_to(path).as_posix())
    plain = [file for file in files if file.is_file()]  # a pipe or a device in a folder is no text of it
    readable = plain if every else [file for file in plain if suffix_of(file) in suffixes]
    kinds = Counter(suffix_of(file) or file.name for file in files if file not in set(readable))
    shown = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common(MOST_SHOWN))
    shown += ", ..." if len(kinds) > MOST_SHOWN else ""
    if not readable:
        also = " (or these with .gz)" if packed else ""
        expected = "a file" if every else f"names that end in {', '.join(suffixes)}{also}"
        hint = "choose their --format; --format text reads every file"
        raise CorpusError(
            f"{path}: no file to read", expected=expected, got=shown or "an empty folder", hint=hint
        )
    if not kinds:
        return FileList(readable)
    advice = "" if every else "; --format text reads every file as text"
    passed = f"{sum(kinds.values()):,} of {counted(len(files), 'file')} were passed over"
    return FileList(readable, f"{path}: {passed} ({shown}){advice}")


def current_spec(spec: Mapping[str, object]) -> dict[str, Any]:
    """Return a stored `Records.spec` as this version would have stored it.

    Versions without an encoding chose the files of a folder by their suffix, whatever the format was.

    Args:
        spec: The stored spec; empty for texts from memory.
    """
    earlier = bool(spec) and "encoding" not in spec
    by_suffix = earlier and isinstance(spec.get("source"), str) and Path(str(spec["source"])).is_dir()
    return {**spec, "format": None} if by_suffix else dict(spec)


def suffix_of(path: Path) -> str:
    """Return the suffix that tells the format of a file, in small letters; it may have ``.gz`` after it."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder that is not hidden."""

    def refuse(error: OSError) -> None:
        raise error

    with refuse_unreadable(str(folder)):
        for parent, folders, names in os.walk(folder, onerror=refuse):
            inside = (name for name in folders if not name.startswith("."))
            folders[:] = [name for name in inside if not _is_written(Path(parent, name))]
            yield from (Path(parent, name) for name in names if not name.startswith("."))


def _is_written(folder: Path) -> bool:
    """Return whether a folder is of a run or a model, whose files are no texts of the folder around it."""
    written = (folder / "model.safetensors", folder / "checkpoint")
    return (folder / "config.json").exists() and any(path.exists() for path in written)
