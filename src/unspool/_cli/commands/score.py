"""``unspool score``: how probable each text of a file is."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, Flag, FlagValues, Group, takes
from unspool._cli.flags.shared import ADAPT, COMPUTING, READING, AsJson, ModelFolder, UnknownInTexts
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.left_out import note_left_out
from unspool._cli.output.new_files import checked_path
from unspool._cli.output.printing import note
from unspool._cli.output.score_rows import (
    RowScoring,
    check_measure,
    chosen,
    numbered,
    whole_texts,
)
from unspool._cli.output.score_sinks import (
    FILES,
    Write,
    file_sink,
    json_sink,
    line_sink,
    progress_bar,
    screen_sink,
    svg_sink,
)
from unspool._cli.steps.shards import Shard, ShardFlag, refuse_dependent, refuse_document
from unspool._errors import ConfigError
from unspool._screen.connections import can_redraw, is_terminal
from unspool._screen.wording import counted

if TYPE_CHECKING:
    from unspool._model import Generator
    from unspool._text.records import Records

ASKING = Group(
    "asking",
    "What is told",
    (
        Flag("prompt", str, "Prompt that the texts continue", default="nothing"),
        Flag("end", bool, "Include the end of each text in its score", default="on", negative="--no-end"),
        Flag("per_symbol", bool, "Add each symbol to the JSON: its bits and its place", default="off"),
        Flag(
            "against",
            Path,
            "Folder of another model to compare with: log p(text) of DIR minus its log p(text)",
            default="none",
        ),
        ADAPT,
        Flag("guess_number", bool, "Estimate how many texts are more probable", default="off"),
        Flag("samples", int, "Texts to draw for --guess-number", default="10000"),
        Flag("seed", int, "Seed of these texts", default="0"),
    ),
)
ORDERING = Group(
    "ordering",
    "Order",
    (
        Flag("sort", str, "{choices} first", default="as they come",
             table="unspool._cli.output.score_rows:ORDERS"),
        Flag("by", str, "{choices}", default="the last with --against, else the first",
             table="unspool._cli.output.score_rows:MEASURES"),
        Flag("top", int, "Print only so many texts", default="all"),
    ),
)  # fmt: skip
SHOWING = Group(
    "output",
    "Output",
    (
        Flag("show", bool, "Colour each character by its surprisal", default="off"),
        Flag("svg", Path, "Draw the surprisal into this file, .svg", default="none"),
        Flag("out", Path, "Write to this file, {choices}, instead of the screen", default="the screen",
             suffixes="unspool._cli.output.score_sinks:FILES"),
        Flag("overwrite", bool, "Replace existing files", default="off"),
    ),
)  # fmt: skip


@takes(ASKING, ORDERING, SHOWING, READING, COMPUTING)
def score(
    *,
    folder: ModelFolder,
    file: Annotated[list[str], Argument(metavar="FILE…", help="One text per line; - for standard input.")],
    unknown: UnknownInTexts = None,
    shard: ShardFlag = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Measure how surprising each text of a file is to a model.

    It prints the bits per character of each text and the text, separated by a tab; --against and
    --guess-number add columns between them. A file of any size needs little memory.
    """
    from unspool._text.whole_records import whole_records

    by = check_measure(flags.ordering.pop("by", None), ratio="against" in flags.asking)
    order: dict[str, Any] = {"sort": None, "top": None, "by": by} | flags.ordering
    chosen([], **order)  # reports an error before anything is read
    if shard is not None:
        refuse_document(as_json=as_json)
        refuse_dependent(flags.ordering | {name: flags.output.get(name) for name in ("show", "svg")})
    per_symbol = flags.asking.get("per_symbol", False)
    sinks = Sinks(flags.output, as_json=as_json, per_symbol=per_symbol, title=file[0].rpartition("/")[2])
    records = open_corpus(file, flags.reading)
    numbers = None if shard is None else numbers_of(records, shard)
    texts: Iterator[Any] = whole_records(records) if flags.reading.get("context") else whole_texts(records)
    scoring = make_scoring(folder, flags, unknown, per_symbol=sinks.per_symbol)
    note_left_out(scoring.scorer.tokenizer)
    if flags.reading.get("context"):
        check_context(scoring)
    with ExitStack() as open_sinks:
        begins = shard is None or shard.begins
        writes = [open_sinks.enter_context(sink) for sink in sinks.make(scoring.columns, begins=begins)]
        shown = can_redraw(printing=sinks.on_screen, reading=file[0])
        with progress_bar(shown=shown) as seen:
            first, end = (0, None) if numbers is None else (numbers.start, numbers.stop)
            rows = scoring.rows(islice(texts, first, end), first=first)
            rows = numbered(rows, seen) if shown else rows
            for row in chosen(rows, **order):
                for write in writes:
                    write(row)


def numbers_of(records: "Records", shard: Shard) -> range:
    """Return the numbers of the texts of a part, which are counted for it.

    Raises:
        ConfigError: If they can be read only once.
    """
    from unspool._text.whole_records import whole_records

    if records.once:
        hint = "write the texts into a file first"
        raise ConfigError("--shard counts the texts before it scores them", expected="a file", hint=hint)
    return shard.of(sum(1 for _ in whole_records(records)))


def check_context(scoring: RowScoring) -> None:
    """Check that the context of texts has a use.

    Raises:
        ConfigError: If the model has no context, or another flag excludes it.
    """
    trained = bool(scoring.scorer.schema.width)
    reasons = {
        "the model was trained without a context": not trained,
        "it does not work with --against": scoring.against is not None,
        "it does not work with --guess-number": scoring.guesses is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            raise ConfigError(f"--context cannot be used: {reason}", hint="leave it out")


class Sinks:
    """The sinks of the rows.

    Args:
        output: The output flags that were given.
        as_json: Whether standard output gets JSON.
        per_symbol: Whether the rows have the symbols.
        title: Title of a picture.

    Raises:
        ConfigError: If the flags cannot be combined, or a file cannot be written.
    """

    def __init__(self, output: dict[str, Any], *, as_json: bool, per_symbol: bool, title: str) -> None:
        overwrite = output.get("overwrite", False)
        self._show, self._json, self._title = output.get("show", False), as_json, f"Surprisal of {title}"
        self._out, self._svg = (
            checked_path(f"--{name}", output[name], suffixes, overwrite=overwrite) if name in output else None
            for name, suffixes in (("out", list(FILES)), ("svg", [".svg"]))
        )
        if self._show and as_json:
            raise ConfigError("--show and --json do not work together", hint="leave one of them out")
        in_json = as_json or (self._out is not None and self._out.suffix.lower() == ".jsonl")
        if per_symbol and not in_json:
            raise ConfigError("--per-symbol needs --json, or --out with a name that ends in .jsonl")
        self.per_symbol = per_symbol or self._show or self._svg is not None
        self._listed = per_symbol

    @property
    def on_screen(self) -> bool:
        """Whether standard output gets the rows."""
        return self._show or self._json or (self._out is None and self._svg is None)

    def make(self, columns: list[str], *, begins: bool) -> list[AbstractContextManager[Write]]:
        """Return the sinks; they write no row of names where the whole does not begin."""
        sinks: list[AbstractContextManager[Write]] = []
        if self._svg:
            sinks.append(svg_sink(self._svg, self._title))
        if self._out:
            sinks.append(file_sink(self._out, columns, lists=self._listed, begins=begins))
        if self._show:
            sinks.append(screen_sink())
        elif self._json:
            sinks.append(json_sink(columns, lists=self._listed))
        elif self.on_screen:
            sinks.append(line_sink())
        return sinks


def make_scoring(folder: str, flags: FlagValues, unknown: Any, *, per_symbol: bool) -> RowScoring:
    """Load the model, the model to compare with, and the samples for guess numbers.

    Raises:
        InputError: If a model cannot be loaded, or a value is out of its range.
    """
    import unspool

    asking, computing = flags.asking, flags.computing
    ended = asking.get("end", True)
    guessing = asking.get("guess_number", False)
    if guessing and not ended:
        raise ConfigError("--no-end does not work with --guess-number, which ranks whole texts")
    adapt = asking.get("adapt", False)
    if guessing and adapt:
        raise ConfigError("--adapt does not work with --guess-number, which ranks texts by themselves")
    options = {"prompt": asking.get("prompt", ""), "ended": ended, "unknown": unknown, "adapt": adapt}
    scorer = without_sources(folder, unspool.load(folder, **computing)).scorer(**options)
    against = None
    if "against" in asking:
        other = without_sources(asking["against"], unspool.load(asking["against"], **computing))
        against = other.scorer(**options)
    guesses = None
    if guessing:
        from unspool._evaluation.guess_numbers import SAMPLES, GuessNumbers

        samples = asking.get("samples", SAMPLES)
        if is_terminal(sys.stderr):
            note(f"drawing {counted(samples, 'sample')} …")
        guesses = GuessNumbers.draw(scorer, samples=samples, seed=asking.get("seed", 0))
    return RowScoring(scorer, against, guesses, per_symbol)


def without_sources(folder: str, model: "Generator") -> "Generator":
    """Return a model, unless it was trained on pairs.

    Raises:
        ConfigError: If it was: --source is a column here, and no text has a source.
    """
    if model.source_tokenizer is not None:
        hint = (
            "`unspool eval` measures a file of pairs; in Python, model.conditioned_on(source=...).score(text)"
        )
        raise ConfigError(f"{folder} was trained on pairs, whose texts cannot be scored here", hint=hint)
    return model
