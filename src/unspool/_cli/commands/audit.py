"""``unspool audit``: whether a model learnt from its text or copies it."""

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, Flag, FlagValues, Option, takes
from unspool._cli.flags.shared import (
    AUDITING,
    COMPUTING,
    READING,
    AsJson,
    ModelFolder,
    UnknownInTexts,
    ValidationCorpus,
)
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.left_out import note_left_out
from unspool._cli.output.printing import note, print_json, print_sentence
from unspool._cli.output.tables import print_facts, print_table
from unspool._cli.steps.shards import SHARD, Shard
from unspool._errors import ConfigError, CorpusError, spelled
from unspool._hub.places import is_hub_place
from unspool._screen.connections import can_redraw
from unspool._screen.wording import counted, one_line
from unspool._text.reading.folders import current_spec
from unspool._text.reading.read_options import STANDARD_INPUT

if TYPE_CHECKING:
    from unspool._evaluation.audit.copying import CopiedText
    from unspool._evaluation.audit.diversity import Diversity
    from unspool._evaluation.audit.exposure import Exposures
    from unspool._evaluation.audit.run import Audit, ReportAudit
    from unspool._model import Generator
    from unspool._text.records import Records

JSON_FILE, PICTURE = "audit.json", "audit.svg"
LONGEST_SHOWN = 5
BAR = 40  # characters of the longest bar
BINS = 12
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)  # of a folder that is there to be read alone

NoShard = Annotated[Shard | None, Option(SHARD, hidden=True)]  # known, to say why there is none
ReportFolder = Annotated[
    str | None,
    Option(Flag("out", Path, f"Folder for {JSON_FILE} and {PICTURE}", default="DIR")),
]


@takes(AUDITING, READING, COMPUTING)
def audit(
    *,
    folder: ModelFolder,
    corpus: Annotated[
        list[str] | None,
        Argument(
            metavar="[CORPUS…]", help="The training text; without it, the text is read from where it was."
        ),
    ] = None,
    validation: ValidationCorpus = None,
    out: ReportFolder = None,
    unknown: UnknownInTexts = None,
    shard: NoShard = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Check whether a model has learned from its text or copies it.

    It measures how well the model fits its text. Then the model writes texts, and the longest passages that
    they share with the training text are compared with those of real held-out texts. Secrets that were added
    to the text are ranked. The rows of a table are compared with its learnt and its held-out rows.
    """
    import unspool
    from unspool._hub.fetching import model_folder

    if shard is not None:
        hint = "lower --samples: a verdict needs hundreds of texts, not millions"
        raise ConfigError("an audit has no --shard: it judges its texts together", hint=hint)
    if is_hub_place(folder) and out is None:
        raise ConfigError("--out says where the report goes", expected="a folder", got="a model of the Hub")
    home = model_folder(folder)
    model = unspool.load(home, **flags.computing)
    if "table" in model.data:
        from unspool._cli.steps.rows import audit_table

        audit_table(model, home, corpus, flags.auditing, flags.reading, as_json=as_json)
        return
    note_left_out(model.tokenizer)
    records = training_records(model, home, corpus, flags.reading)
    held_out = held_out_records(model, home, validation, flags.reading)
    target = Path(out or folder)
    target.mkdir(parents=True, exist_ok=True)
    if model.schema.width:
        note("the model writes without context; the real texts are measured with their own context")
    with progress(corpus[0] if corpus else None) as report:
        result = model.audit(
            records,
            validation=held_out,
            unknown=unknown,
            report=report,
            **flags.auditing,
        )
    print_json(result.to_dict()) if as_json else show(result)
    try:
        write_report(result, target, title=f"Copied from {spelled(Path(records.description).name)}")
    except OSError as error:
        if out is not None or error.errno not in READ_ONLY:
            raise
        note(f"Not stored: {folder} cannot be written to; choose another folder: --out DIR")


def training_records(
    model: "Generator", folder: Path, corpus: Sequence[str] | None, reading: dict[str, Any]
) -> "Records":
    """Open the training text of a model, and read it as in the training.

    Args:
        model: The model.
        folder: Its folder, which has the place of the text if the training is here.
        corpus: The place of the text now; None for its place at the training.
        reading: The reading flags that were given.

    Raises:
        CorpusError: If the model has no place of its text, or the text came through a pipe.
    """
    from unspool._training.folder.corpus_places import placed_spec

    if corpus:
        spec = current_spec(model.data.get("records") or {})
        return open_corpus(corpus, same_reading(spec, corpus) | reading)
    spec = placed_spec(folder, model.data, "records")
    if not spec or spec["source"] == STANDARD_INPUT:
        raise CorpusError(
            "the model does not record where its training text is",
            hint="name the text: unspool audit DIR CORPUS",
        )
    return open_corpus(spec.pop("source"), spec | reading)


def same_reading(spec: dict[str, Any], corpus: Sequence[str]) -> dict[str, Any]:
    """Return the reading options of the model for another file: all of them if the suffixes are equal."""
    if not spec:
        return {}
    source = spec["source"] if isinstance(spec["source"], str) else spec["source"][0]
    if Path(corpus[0]).suffix == Path(source).suffix:
        return {name: value for name, value in spec.items() if name != "source"}
    alike = ("document", "normalization", "split", "language")
    return {name: spec[name] for name in alike if name in spec}


def held_out_records(
    model: "Generator", folder: Path, validation: str | None, reading: dict[str, Any]
) -> "Records | None":
    """Open the held-out text, if it was a separate corpus; see `training_records`."""
    from unspool._training.folder.corpus_places import placed_spec

    if validation is not None:
        spec = current_spec(model.data.get("validation") or {})
        reading_of_model = dict(model.data.get("records") or {})
        return open_corpus(validation, same_reading(spec or reading_of_model, [validation]) | reading)
    spec = placed_spec(folder, model.data, "validation")
    return open_corpus(spec.pop("source"), spec) if spec else None


@contextmanager
def progress(corpus: str | None) -> "Iterator[ReportAudit]":
    """Show the progress on standard error: a bar on a terminal, else a line for each part."""
    if not can_redraw(reading=corpus):
        shown: set[str] = set()

        def say(what: str, done: int, total: int) -> None:
            if what not in shown:
                shown.add(what)
                note(f"{what} …")

        yield say
        return
    from unspool._screen.drawing import task_line

    with task_line("", bar=True) as tell:
        yield lambda what, done, total: tell(what, done, total or None)


def show(result: "Audit") -> None:
    """Print an audit for people: figures, lengths, the longest copies, diversity, secrets, the verdict."""
    held_out = result.held_out_bits_per_character
    print_facts(
        [
            ("training text", f"{result.training_bits_per_character:.3f} bits per character"),
            ("held-out text", "none" if held_out is None else f"{held_out:.3f} bits per character"),
            ("fit", result.fit.verdict),
            ("copying", result.copying.verdict),
            (
                "exact copies",
                f"{result.copying.verbatim_share:.1%} of {counted(len(result.copying.samples), 'text')}",
            ),
        ]
    )
    show_lengths(result)
    show_longest(result.copying.samples)
    show_variety(result.diversity, result.held_out_diversity)
    if result.canaries is not None:
        show_exposures(result.canaries, result.canaries_without_counts)
    print()
    for sentence in result.sentences:
        print_sentence(sentence)


def show_exposures(exposures: "Exposures", without_counts: "Exposures | None") -> None:
    """Print how well the model knows each secret, and how well its network alone does."""
    rows = [
        [one_line(secret.text), f"{secret.exposure:.2f}", f"{secret.rank:,.0f}", kind]
        for kind, part in (("secret", exposures.secrets), ("never seen", exposures.strangers))
        for secret in part
    ]
    headings, right = ["text", "exposure in bits", f"rank of {exposures.space:,}", ""], [1, 2]
    if without_counts is not None:
        headings.append("without counts")
        right.append(4)
        for row, secret in zip(rows, (*without_counts.secrets, *without_counts.strangers), strict=True):
            row.append(f"{secret.exposure:.2f}")
    print()
    print_table(headings, rows, right=right)


def show_lengths(result: "Audit") -> None:
    """Print the lengths of the copied passages, and their histogram on a terminal."""
    from unspool._evaluation.audit.lengths import QUANTILES, edges_for, histogram

    copying = result.copying
    spreads = [("generated", copying.lengths), ("held-out real", copying.held_out_lengths)]
    headings = [
        "longest shared passage, in characters",
        *(f"{share:.0%}" for share in QUANTILES[:-1]),
        "longest",
    ]
    rows = [[name, *map(str, spread.quantiles)] for name, spread in spreads if spread is not None]
    print()
    print_table(headings, rows, right=range(1, len(headings)))
    if not sys.stdout.isatty():
        return
    samples, real = ([text.copied for text in texts] for texts in (copying.samples, copying.held_out))
    edges = edges_for(samples, real, bins=BINS)
    shares = list(zip(edges, histogram(samples, edges), histogram(real, edges), strict=True))
    highest = max(max(a, b) for _, a, b in shares) or 1.0
    print()
    for edge, a, b in shares:
        print(f"{edge:>5}  generated {'█' * round(BAR * a / highest)} {a:.0%}")
        if real:
            print(f"{'':>5}  held-out  {'░' * round(BAR * b / highest)} {b:.0%}")


def show_longest(samples: "Sequence[CopiedText]") -> None:
    """Print the texts with the longest copied passages, and the places of these."""
    longest = sorted(samples, key=lambda text: -text.copied)[:LONGEST_SHOWN]
    rows = [
        (
            str(text.copied),
            f"{text.record:,}:{text.position:,}",
            f"{text.before}[{text.span}]{text.after}",
            text.text,
        )
        for text in longest
        if text.record is not None
    ]
    if rows:
        print()
        print_table(
            ["shared", "record:character", "training text", "generated text"], rows, right=(0, 1), section=1
        )


def show_variety(samples: "Diversity", real: "Diversity | None") -> None:
    """Print the diversity of the texts, next to that of real texts."""
    from unspool._evaluation.audit.diversity import ORDERS

    def cells(various: "Diversity | None") -> list[str]:
        if various is None:
            return ["-"] * (2 * len(ORDERS) + 2)
        figures = [*various.distinct_characters, various.self_bleu_characters,
                   *various.distinct_words, various.self_bleu_words]  # fmt: skip
        return ["-" if figure is None else f"{figure:.3f}" for figure in figures]

    names = [
        name
        for unit in ("characters", "words")
        for name in (*(f"distinct-{n}, {unit}" for n in ORDERS), f"self-BLEU, {unit}")
    ]
    print()
    headings = [f"of {counted(samples.texts, 'text')} each", "generated", "held-out real"]
    print_table(headings, list(zip(names, cells(samples), cells(real), strict=True)), right=(1, 2))


def write_report(result: "Audit", folder: Path, *, title: str) -> None:
    """Write the whole audit as JSON, and the picture of the copied lengths."""
    from unspool._evaluation.audit.picture import draw_lengths
    from unspool._json_files import json_text
    from unspool._storage import atomic_write

    text = json_text(result.to_dict(), indent=1) + "\n"
    samples, real = ([t.copied for t in texts] for texts in (result.copying.samples, result.copying.held_out))
    atomic_write(folder / JSON_FILE, text)
    atomic_write(folder / PICTURE, draw_lengths(title, samples, real))
    note(f"Written to {folder / JSON_FILE}, {folder / PICTURE}")
