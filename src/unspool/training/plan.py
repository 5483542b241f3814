"""What is about to be trained, for whoever watches."""

from dataclasses import dataclass
from pathlib import Path

from unspool.network.config import NetworkConfig
from unspool.text.context import ContextSchema
from unspool.training.config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Tell what is about to be trained, once the corpus is read.

    Args:
        out: The run's folder.
        description: What is read, for people.
        records: Texts to learn from.
        characters: Characters of text to learn from.
        held_out_characters: Characters of text held out.
        unknown: Symbols of the text that became `<unk>`.
        vocab_size: Symbols of the tokenizer.
        num_parameters: Parameters of the network.
        first_step: Steps made before: 0 for a new run.
        network: The network, resolved.
        training: How it is trained, resolved.
        schema: What steers the texts; None for nothing.
        note: What there is to say about where the encoded corpus was kept, or None.
    """

    out: Path
    description: str
    records: int
    characters: int
    held_out_characters: int
    unknown: int
    vocab_size: int
    num_parameters: int
    first_step: int
    network: NetworkConfig
    training: TrainingConfig
    schema: ContextSchema | None = None
    note: str | None = None
