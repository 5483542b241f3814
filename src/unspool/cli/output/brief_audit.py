"""Ask at the end of every training, on a text of ordinary size, whether the model copies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspool.cli.commands.audit import held_out_records, training_records
from unspool.cli.output.printing import note
from unspool.errors import UnspoolError

if TYPE_CHECKING:
    from unspool.model import Generator

TEXTS = 100  # that the model writes for it
MOST_CHARACTERS = 20_000_000  # of training text; reading more again would be felt


def brief_audit(model: "Generator", folder: Path, *, reuse: bool = True) -> dict[str, Any] | None:
    """Look for what a new model writes in the text that it was trained on.

    Args:
        model: The model.
        folder: Its folder, for messages.
        reuse: Whether the text may be taken from the cache of encoded corpora.

    Returns:
        The verdict, the share of texts that stand word for word in the training text, the longest span of
        any, and a sentence for people; None for a model of pairs, and, with a note, where the text is large
        or cannot be read again.
    """
    if model.network.source_vocab_size is not None:  # it answers; it writes nothing of its own accord
        return None
    characters = ((model.data.get("sizes") or {}).get("training") or {}).get("characters", 0)
    if characters > MOST_CHARACTERS:
        note(f"{characters:,} characters are too many to search for copies now: unspool audit {folder}")
        return None
    try:
        audit = model.audit(
            training_records(model, None, {"reuse": reuse}),
            validation=held_out_records(model, None, {"reuse": reuse}),
            samples=TEXTS,
        )
    except UnspoolError as error:  # what was trained is safe: this must not look like a failure
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
