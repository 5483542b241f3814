"""``unspool classify``: which value of an attribute texts have, by Bayes' rule."""

import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, Flag, FlagValues, Option, takes
from unspool._cli.flags.shared import COMPUTING, READING, AsJson, ModelFolder, UnknownInTexts
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.printing import note, print_json, print_line
from unspool._errors import ConfigError, CorpusError
from unspool._screen.wording import one_line

if TYPE_CHECKING:
    from unspool._text.records import Record, Records

Row = dict[str, Any]


@takes(READING, COMPUTING)
def classify(
    *,
    folder: ModelFolder,
    file: Annotated[
        list[str], Argument(metavar="FILE…", help="One text per line, or a table; - for standard input.")
    ],
    by: Annotated[
        str | None, Option(Flag("by", str, "Attribute to classify by", default="the only one"))
    ] = None,
    prior: Annotated[
        bool,
        Option(
            Flag(
                "prior",
                bool,
                "Take into account how frequent each value is",
                default="on",
                negative="--no-prior",
            )
        ),
    ] = True,
    unknown: UnknownInTexts = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Classify each text of a file by an attribute of the model.

    It prints the most probable value, its probability and the text, separated by tabs. If the file has the
    attribute as a column, it prints at the end how many values are correct.
    """
    import unspool
    from unspool._text.whole_records import whole_records

    model = unspool.load(folder, **flags.computing)
    name = by or the_only_one([one.name for one in model.schema.attributes if not one.is_number])
    records = with_truth(file, flags.reading, name)
    read: deque[Record] = deque()  # records that were read ahead

    def texts() -> Iterator[str]:
        for record in whole_records(records):
            read.append(record)
            yield record.text

    rows: list[Row] = []
    right = labelled = 0
    for result in model.classifications(texts(), name, prior=prior, unknown=unknown):
        record = read.popleft()
        truth = record.context.get(name, "").strip() or None
        labelled, right = labelled + (truth is not None), right + (truth == result.value)
        if as_json:
            row = {"text": record.text, "value": result.value, "probabilities": result.probabilities}
            rows.append(row | {"actual": truth})
        else:
            chance = result.probabilities[result.value]
            print_line(f"{one_line(result.value)}\t{chance:.4f}\t{one_line(record.text)}")
    accuracy = right / labelled if labelled else None
    if as_json:
        print_json({"by": name, "texts": rows, "accuracy": accuracy})
    elif accuracy is not None:
        note(f"{right:,} of {labelled:,} are correct: {accuracy:.1%}")


def the_only_one(names: list[str]) -> str:
    """Return the only attribute of a model.

    Raises:
        ConfigError: If there is no attribute, or more than one.
    """
    if len(names) == 1:
        return names[0]
    if not names:
        raise ConfigError("the model has no attribute to classify by", hint="train one with --context")
    raise ConfigError("--by", expected=f"one of {', '.join(names)}", got="none")


def with_truth(file: list[str], reading: dict[str, Any], name: str) -> "Records":
    """Open a file with the column of the attribute, if it has one."""
    plain = open_corpus(file, reading)
    if reading.get("context") or plain.once:
        return plain
    number = re.fullmatch(r"column_(\d+)", name)
    try:
        records = open_corpus(file, reading | {"context": [number.group(1) if number else name]})
        next(iter(records))
    except CorpusError:
        return plain  # other errors appear when it is read
    return records
