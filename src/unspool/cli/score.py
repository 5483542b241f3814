"""``unspool score``: how probable each text of a file is."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from unspool.cli.flags import Argument, takes
from unspool.cli.options import COMPUTING, READING, AsJson, ModelFolder, UnknownSymbols
from unspool.cli.printing import one_line, print_json
from unspool.cli.reading import open_corpus

if TYPE_CHECKING:
    from unspool.evaluation.scores import TextScore
    from unspool.text.records import Record

AT_ONCE = 4096  # texts that are scored together, so that the first lines show before the last are read


@takes(READING, COMPUTING)
def score(
    *,
    folder: ModelFolder,
    file: Annotated[str, Argument(metavar="FILE", help="A text per line; - for standard input.")],
    unknown: UnknownSymbols = "error",
    as_json: AsJson = False,
    reading: dict[str, Any],
    computing: dict[str, Any],
) -> None:
    """Tell how surprising each text of a file is.

    It prints the bits per character of each text and the text itself, with a tab between.
    """
    import unspool

    model = unspool.load(folder, **computing)
    texts = whole_texts(open_corpus(file, reading))
    collected: list[dict[str, Any]] = []
    while some := list(islice(texts, AT_ONCE)):
        for text, result in zip(some, model.score(some, unknown=unknown), strict=True):
            if as_json:
                collected.append(as_dict(text, result))
            else:
                print(f"{shown(result.bits_per_character)}\t{one_line(text)}")
    if as_json:
        print_json(collected)


def whole_texts(records: "Iterable[Record]") -> Iterator[str]:
    """Put the pieces of long texts together."""
    pieces: list[str] = []
    for record in records:
        pieces.append(record.text)
        if record.ends:
            yield "".join(pieces)
            pieces.clear()
    if pieces:
        yield "".join(pieces)


def shown(bits_per_character: float | None) -> str:
    """Write the figure of a text; a text that has no known symbol has none."""
    return "-" if bits_per_character is None else f"{bits_per_character:.4f}"


def as_dict(text: str, result: "TextScore") -> dict[str, Any]:
    """Write a score as plain JSON types."""
    return {
        "text": text,
        "bits_per_character": result.bits_per_character,
        "total_logprob": result.total_logprob,
        "token_logprobs": result.token_logprobs.tolist(),
    }
