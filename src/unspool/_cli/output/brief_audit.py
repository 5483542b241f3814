"""A short audit at the end of a training, whether the model copies, on a text of ordinary size."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspool._cli.commands.audit import held_out_records, training_records
from unspool._cli.output.printing import note
from unspool._errors import UnspoolError
from unspool._screen.wording import argument, command_line

if TYPE_CHECKING:
    from unspool._model import Generator

TEXTS = 100  # number of texts that the model writes for the audit
MOST_CHARACTERS = 20_000_000  # of training text; to read more again would take long


def brief_audit(model: "Generator", folder: Path, *, reuse: bool = True) -> dict[str, Any] | None:
    """Search the training text for passages that a new model writes.

    Args:
        model: The model.
        folder: Its folder.
        reuse: Whether the text may be taken from the cache of encoded corpora.

    Returns:
        The verdict, the share of texts that are exact copies, the longest copied passage, and a sentence for
        people. None and a note for a model of pairs, or if the text is large or cannot be read again.
    """
    if model.network.source_vocab_size is not None:
        note("the model writes only answers to sources, so its texts are not searched for copies")
        return None
    characters = ((model.data.get("sizes") or {}).get("training") or {}).get("characters", 0)
    if characters > MOST_CHARACTERS:
        command = command_line(["unspool", "audit", argument(folder)])
        note(f"{characters:,} characters are too many to search for copies now: {command}")
        return None
    try:
        audit = model.audit(
            training_records(model, folder, None, {"reuse": reuse}),
            validation=held_out_records(model, folder, None, {"reuse": reuse}),
            samples=TEXTS,
        )
    except UnspoolError as error:  # the model is safe: this must not look like a failure
        note(f"the text was not searched for copies: {error}")
        return None
    copying = audit.copying
    longest = 0 if copying.lengths is None else copying.lengths.quantiles[-1]
    return {
        "verdict": copying.verdict,
        "texts": len(copying.samples),
        "verbatim_share": copying.verbatim_share,
        "longest": longest,
        "sentence": copying.sentence,
    }
