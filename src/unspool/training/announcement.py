"""What is about to be trained, as people are told before it begins."""

from dataclasses import dataclass
from pathlib import Path

from unspool.kernels.precision import missing_bf16
from unspool.network.config import NetworkConfig
from unspool.network.parameters import count_parameters
from unspool.text.context import ContextSchema
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.records import Records
from unspool.training.config import TrainingConfig
from unspool.training.folder.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Announcement:
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
        note: What there is to say about where the encoded corpus was kept, and about what the run had left
            behind, or None.
        precision: In what products are computed; see `Engine`.
        missing: What keeps them from the precision that was asked for, or None.
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
    precision: str = "float32"
    missing: str | None = None


def plan_of(run: RunFolder, corpus: Records, encoded: EncodedCorpus, first_step: int) -> Announcement:
    """Gather what there is to tell before the first step that a run makes now."""
    return Announcement(
        out=run.path,
        description=corpus.description,
        records=encoded.training.num_records,
        characters=encoded.training.characters,
        held_out_characters=encoded.validation.characters,
        unknown=encoded.unknown,
        note="; ".join(filter(None, (encoded.note, run.remark))) or None,
        vocab_size=encoded.tokenizer.vocab_size,
        num_parameters=count_parameters(run.network),
        first_step=first_step,
        network=run.network,
        training=run.training,
        schema=encoded.schema,
        precision=str(run.data.get("precision", "float32")),
        missing=missing_bf16(run.training.precision),
    )
