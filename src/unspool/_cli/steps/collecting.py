"""The collection of texts for a command: the selection, the progress and the report."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspool._cli.output.printing import complain, note
from unspool._cli.output.text_files import Sink
from unspool._cli.steps.shards import Shard
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import UNTIL_ITS_END
from unspool._screen.connections import can_redraw
from unspool._screen.wording import counted

if TYPE_CHECKING:
    from unspool._generation.selecting.collection import Collection
    from unspool._model import Generator

FEWER = 3  # exit code: fewer texts than were asked for
INTERRUPTED = 130


def selection_of(model: "Generator", collecting: dict[str, Any]) -> dict[str, Any]:
    """Return keyword arguments of `Generator.collect` from the flags.

    Raises:
        InputError: If the corpus to compare with cannot be read.
    """
    from unspool._generation.selecting.selection import Selection

    chosen = {name: value for name, value in collecting.items() if name in Selection.__dataclass_fields__}
    against, columns = collecting.get("against"), collecting.get("against_text")
    if against is None:
        if columns:
            raise ConfigError("--against-text needs --against CORPUS")
        tell_what_is_covered(model, chosen)
        return chosen
    from unspool._cli.open_corpus import open_corpus
    from unspool._text.novelty import NoveltyIndex

    reading = {"text": columns} if columns else {}
    records = open_corpus(against, reading | {"normalization": model.tokenizer.normalization})
    by_line = bool(model.data.get("document")) or None
    return chosen | {"novel": NoveltyIndex.of(records, by_line=by_line)}


def tell_what_is_covered(model: "Generator", chosen: dict[str, Any]) -> None:
    """Print a note if copies of held-out texts cannot be refused, by an index of an earlier version."""
    held_out = ((model.data.get("sizes") or {}).get("validation") or {}).get("records")
    index = model.novelty_index if chosen.get("novel") and held_out else None
    if index is not None and index.held_out is None:
        note(
            f"the index covers {index.covers}: --novel lets copies of {held_out:,} held-out texts through; "
            "unspool train --resume DIR --novelty-index adds them"
        )


def note_cut(count: int, total: int, model: "Generator", options: Mapping[str, Any]) -> None:
    """Note how many texts were cut at their longest length; a document has no end of its own to reach."""
    if not count or model.data.get("document") or options.get("ignore_eos"):
        return
    which = "the text" if total == 1 else f"{count:,} of {counted(total, 'text')}"
    limit = counted(options["max_new_tokens"] or UNTIL_ITS_END, "symbol")
    note(f"Cut at {limit}: {which}; --max-new-tokens none writes on until the end")


def is_kept(collection: "Collection", shard: Shard | None) -> bool:
    """Return whether what was written is kept as a file: a part if it is whole, otherwise any texts."""
    report = collection.report
    return bool(report.accepted) if shard is None else report.complete


def run_collection(
    collection: "Collection", sink: Sink, kept: Callable[[], bool], *, out: Path | None, reported: bool
) -> int:
    """Write every text as it comes, and print the report at the end.

    Ctrl-C and SIGTERM stop between two texts; the accepted texts are written.

    Args:
        collection: The texts.
        sink: The sink of the texts.
        kept: Function that returns at the end whether a file is kept.
        out: The file that the sink writes, or None.
        reported: Whether to print the report.

    Returns:
        The exit code: 130 if it was stopped, 3 if there are fewer texts than were asked for, 0 otherwise.
    """
    from unspool._training.interrupts import stop_on_interrupt

    with stop_on_interrupt() as stopped:
        collection.stop_when(stopped)
        with sink as write, progress_of(collection, out):
            for generation in collection:
                write(generation)
        interrupted = stopped()
    report = collection.report
    place = "" if out is None else f"; {'written to ' + str(out) if kept() else 'no file was written'}"
    if interrupted:
        note(f"Stopped: {report}{place}")
        return INTERRUPTED
    if not report.complete:
        complain(f"too few texts found: {report}{place}; lower --n or raise --max-attempts")
        return FEWER
    if reported:
        note(f"{report}{place}")
    return 0


def progress_of(collection: "Collection", out: Path | None) -> AbstractContextManager[None]:
    """Return a live line on standard error if it is a terminal and the texts go to a file, else nothing."""
    return live_line(collection) if can_redraw(printing=out is None) else nullcontext()


def live_line(collection: "Collection") -> AbstractContextManager[None]:
    """Show the number of texts, their rate and the time left, in place."""
    from rich.console import RenderableType
    from rich.padding import Padding
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    from unspool._screen.drawing import redrawn
    from unspool._screen.wording import duration

    def line() -> RenderableType:
        report = collection.report
        grid = Table.grid(padding=(0, 1), expand=True)
        for _ in range(4):
            grid.add_column(no_wrap=True)
        grid.columns[1].ratio = 1
        left = report.seconds * (report.asked / report.accepted - 1) if report.accepted else None
        grid.add_row(
            f"{report.accepted:,} of {report.asked:,}",
            ProgressBar(total=report.asked, completed=report.accepted),
            f"{report.attempts / max(report.seconds, 1e-3):,.0f} attempts/s",
            f"{'-:--' if left is None else duration(left)} left",
        )
        return Padding(grid, (0, 3, 0, 0))  # room for the ^C of a terminal, so that no line breaks

    return redrawn(line)
