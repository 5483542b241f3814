"""The facts about a training that are shown before it begins."""

from dataclasses import dataclass
from pathlib import Path

from unspool._kernels.precision import missing_bf16
from unspool._network.config import NetworkConfig
from unspool._network.memory import words_of_memory
from unspool._network.parameters import count_parameters
from unspool._text.context import ContextSchema
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.records import Records
from unspool._training.config import TrainingConfig
from unspool._training.folder.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """The facts about a training, known once the corpus is read.

    Args:
        out: The run's folder; None if the model stays in memory.
        description: A short description of the corpus.
        records: Number of texts to learn from.
        characters: Number of characters to learn from.
        held_out_characters: Number of characters held out.
        unknown: Number of symbols in the texts that became `<unk>`.
        vocab_size: Number of symbols in the vocabulary.
        num_parameters: Number of parameters of the network.
        first_step: Number of steps made before: 0 for a new run.
        network: The network, with no open value.
        training: The training configuration, with no open value.
        schema: The context that steers the texts, or None.
        note: A remark on the cache of the encoded corpus, on an unusual split, on broken files of the run, on
            why it was begun again, on what was changed since it was stopped, and on much memory, or None.
        precision: Number format of the matrix products; see `Engine`.
        missing: The reason why the requested precision is not used, or None.
    """

    out: Path | None
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


def plan_of(
    run: RunFolder, corpus: Records, encoded: EncodedCorpus, first_step: int, *, in_memory: bool
) -> Announcement:
    """Return the facts to show before the run makes its first step now.

    Args:
        run: The folder of the run.
        corpus: The texts of the run.
        encoded: The same texts in ids.
        first_step: Number of steps made before: 0 for a new run.
        in_memory: Whether the folder goes once the model is trained.
    """
    split = None if encoded.split is None else encoded.split.sentence
    symbols = min(run.training.batch_size * run.training.sequence_length, len(encoded.training.ids))
    memory = words_of_memory(run.network, symbols)
    used = str(run.data.get("precision", "float32"))
    return Announcement(
        out=None if in_memory else run.path,
        description=corpus.description,
        records=encoded.training.num_records,
        characters=encoded.training.characters,
        held_out_characters=encoded.validation.characters,
        unknown=encoded.unknown,
        note="; ".join(filter(None, (encoded.note, split, run.remark, run.begun_anew, _changes(run), memory)))
        or None,
        vocab_size=encoded.tokenizer.vocab_size,
        num_parameters=count_parameters(run.network),
        first_step=first_step,
        network=run.network,
        training=run.training,
        schema=encoded.schema,
        precision=used,
        missing=missing_bf16(run.training.precision) if used == "float32" else None,
    )


def _changes(run: RunFolder) -> str | None:
    """Return what a resumed run does otherwise than before, in words."""
    words = [f"{name} {before} → {after}" for name, (before, after) in run.changes.items()]
    return f"changed: {', '.join(words)}" if words else None
