"""``unspool enumerate``: every text above a probability, the most probable first."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, FlagValues, takes
from unspool._cli.flags.shared import COMPUTING, ENUMERATION, KNOWN, AsJson, ModelFolder, UnknownSymbols
from unspool._cli.output.printing import note, print_json, print_line
from unspool._cli.output.text_json import as_dict
from unspool._screen.wording import counted, one_line

if TYPE_CHECKING:
    from unspool._generation.search.texts import Enumeration, FoundText


@takes(KNOWN, ENUMERATION, COMPUTING)
def enumerate_texts(
    *,
    folder: ModelFolder,
    prompt: Annotated[str | None, Argument(metavar="[PROMPT]", help="Text to continue.")] = None,
    unknown: UnknownSymbols = "error",
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """List all texts above a probability, with their exact probabilities.

    It prints the probability of each text and the text, separated by a tab, and at the end their total
    probability. One of --min-probability, --min-logprob and --limit is needed.
    """
    import unspool

    texts = unspool.load(folder, **flags.computing).enumerate(
        prompt or "", unknown=unknown, **flags.known, **flags.enumeration
    )
    if as_json:
        as_document(texts)
        return
    count = 0
    try:
        for text in texts:
            print_line(f"{probability(text)}\t{one_line(text.text)}")
            count += 1
    finally:
        sys.stdout.flush()
        note(summary(count, texts))


def as_document(texts: "Enumeration") -> None:
    """Print one JSON document, with the texts found until Ctrl-C."""
    documents: list[dict[str, Any]] = []
    whole = False
    try:
        documents.extend(as_dict(text) | {"probability": text.probability} for text in texts)
        whole = True
    finally:
        facts = {"whole": whole, "covered": texts.covered, "remaining": texts.remaining}
        print_json({"texts": documents} | facts)


def probability(text: "FoundText") -> str:
    """Return a probability in words, without underflow."""
    from math import floor, log

    exponent = floor(text.total_logprob / log(10))
    if exponent > -300:
        return f"{text.probability:.6e}"
    return f"{10 ** (text.total_logprob / log(10) - exponent):.6f}e{exponent}"


def summary(count: int, texts: "Enumeration") -> str:
    """Return a summary of the texts."""
    more = f"; all texts not listed: at most {texts.remaining:.3g}" if texts.remaining else ""
    return f"{counted(count, 'text')} with a total probability of {texts.covered:.6g}{more}"
