"""The sinks of texts: standard output or a file, one text after the other, in constant memory.

To add a kind of file, write a function that makes its writer and give it a line in `FILES`.
"""

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from unspool._cli.output.new_files import whole_file
from unspool._cli.output.printing import as_json, for_stdout, print_line
from unspool._errors import ConfigError
from unspool._screen.wording import one_line

if TYPE_CHECKING:
    from unspool._generation.results import Generation
    from unspool._model import Generator

SEPARATOR = "─" * 8
SECONDS_BETWEEN = 0.1  # between two flushes of a buffer
COLUMNS = ("text", "prompt", "finish_reason", "total_logprob")
LINE_ENDS = "\n\r"

Write = Callable[["Generation"], None]


class NothingWrittenError(Exception):
    """A file is not created after all."""


def txt_writer(file: TextIO) -> Write:
    """Write a text a line."""

    def write(generation: "Generation") -> None:
        if any(end in generation.text for end in LINE_ENDS):
            raise line_ends_error(repr(generation.text[:60]))
        file.write(generation.text + "\n")

    return write


def line_ends_error(got: str) -> ConfigError:
    """Return the error for texts with several lines in a file with one text a line."""
    hint = "write a .jsonl file, or skip such texts: --valid '.*'"
    return ConfigError(
        "a .txt file has one text per line", expected="texts without line ends", got=got, hint=hint
    )


def jsonl_writer(file: TextIO) -> Write:
    """Write a JSON object a line."""

    def write(generation: "Generation") -> None:
        row = dict(zip(COLUMNS, cells(generation), strict=True))
        file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")

    return write


def csv_writer(file: TextIO) -> Write:
    """Write a row for each text; line ends are within quotes."""
    rows = csv.writer(file, lineterminator="\n")
    return lambda generation: rows.writerow(cells(generation))


FILES: dict[str, Callable[[TextIO], Write]] = {".txt": txt_writer, ".jsonl": jsonl_writer, ".csv": csv_writer}

HEADERS = {".csv": ",".join(COLUMNS) + "\n"}


def cells(generation: "Generation") -> tuple[str, str, str, float]:
    """Return the values of a text for a file, in the order of `COLUMNS`."""
    return generation.text, generation.prompt, generation.finish_reason, generation.total_logprob


def refuse_line_ends(path: Path, model: "Generator", prompts: list[str], *, filtered: bool) -> None:
    """Check, before a text is drawn, that the texts fit into a file with one text a line.

    Args:
        path: The file.
        model: The model.
        prompts: The prompts.
        filtered: Whether the selection may refuse texts with line ends; then the first accepted one is the
            error.

    Raises:
        ConfigError: If a text may have a line end.
    """
    if path.suffix.lower() == ".txt" and not filtered and may_have_lines(model, prompts, LINE_ENDS):
        raise line_ends_error("a model that writes them")


def may_have_lines(model: "Generator", prompts: list[str], ends: str = "\n") -> bool:
    """Return whether the texts of a model may have several lines.

    A tokenizer that knows every byte cannot decide this, but the training texts can.
    """
    learnt = model.tokenizer.whole_characters or model.data.get("document")
    symbols = model.tokenizer.symbols if learnt else ()
    return any(end in text for text in (*symbols, *prompts) for end in ends)


@contextmanager
def file_sink(path: Path, kept: Callable[[], bool], *, begins: bool) -> Iterator[Write]:
    """Write a file that gets its name when it is complete.

    Args:
        path: The file.
        kept: Function that returns at the end whether there is a file.
        begins: Whether the file begins with the names of its columns, if its kind has them.
    """
    kind = path.suffix.lower()
    with suppress(NothingWrittenError), whole_file(path) as file:
        if begins:
            file.write(HEADERS.get(kind, ""))
        yield FILES[kind](file)
        if not kept():
            raise NothingWrittenError


@contextmanager
def screen_sink(*, lines: bool, begins: bool = True) -> Iterator[Write]:
    """Print texts as they come: a line for each, or a rule between texts with several lines.

    Args:
        lines: Whether the texts may have several lines.
        begins: Whether no text was printed before these, by whoever writes the part before this one.
    """
    terminal, first = sys.stdout.isatty(), begins
    flush = _flusher()

    def write(generation: "Generation") -> None:
        nonlocal first
        if lines:
            rule = "" if first else f"{SEPARATOR}\n"
            print_line(rule + for_stdout(generation.text))
        else:
            print_line(one_line(generation.text) if terminal or "\n" in generation.text else generation.text)
        first = False
        flush()

    yield write


def print_texts(texts: "Sequence[Generation]", *, lines: bool | None = None, begins: bool = True) -> None:
    """Print finished texts as in `screen_sink`; without `lines`, one of them may have several if one has."""
    any_lines = any("\n" in text.text for text in texts) if lines is None else lines
    with screen_sink(lines=any_lines, begins=begins) as write:
        for text in texts:
            write(text)


@contextmanager
def json_sink(as_dict: Callable[["Generation"], Any], report: Callable[[], Any] | None) -> Iterator[Write]:
    """Print one JSON document as the texts come: a list of the texts, or an object with texts and report."""
    indent = "  " if report is None else "    "
    print("[" if report is None else '{\n  "texts": [', end="", flush=True)
    separator, flush = "\n", _flusher()

    def write(generation: "Generation") -> None:
        nonlocal separator
        item = as_json(as_dict(generation))
        sys.stdout.write(f"{separator}{indent}{item}")
        separator = ",\n"
        flush()

    yield write
    if report is None:
        print("\n]")
    else:
        print('\n  ],\n  "report": ' + as_json(report()) + "\n}")


def _flusher() -> Callable[[], None]:
    """Return a function that flushes standard output, at most ten times a second."""
    shown = 0.0

    def flush() -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= SECONDS_BETWEEN:
            shown = now
            sys.stdout.flush()

    return flush


Sink = AbstractContextManager[Write]
