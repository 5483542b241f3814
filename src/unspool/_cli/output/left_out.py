"""The remark on what bits per character leave out, for a model of an older version with ``<unk>``."""

from typing import TYPE_CHECKING

from unspool._cli.output.printing import note

if TYPE_CHECKING:
    from unspool._text.tokenizers.registry import Tokenizer

LEFT_OUT = "without the spelling of <unk>: not comparable with another vocabulary"


def note_left_out(tokenizer: "Tokenizer") -> None:
    """Print a remark on standard error if a model does not spell what its ``<unk>`` stands for."""
    if tokenizer.spells_unk is False:
        note(f"bits per character are {LEFT_OUT}; train the model again for figures with it")
