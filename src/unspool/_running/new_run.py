"""What a new run is made of: its network without open values, and the record of its texts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from unspool._configuration import check, to_dict, to_plain
from unspool._errors import ConfigError
from unspool._network.conditions import steered_by
from unspool._network.config import NetworkConfig
from unspool._tables.corpus import TableRecords
from unspool._text.encoding.corpus import fingerprints
from unspool._text.encoding.encoded_corpus import EncodedCorpus, described
from unspool._text.records import Records
from unspool._training.callbacks import SamplingCallback, sampling_callback
from unspool._training.folder.corpus_places import shared_data
from unspool._training.folder.model_card import stream_sizes
from unspool._training.task import TrainingTask


def resolved_network(network: NetworkConfig, encoded: EncodedCorpus, *, document: bool) -> NetworkConfig:
    """Return a network whose open values follow from the encoded texts.

    Args:
        network: The network; a `vocab_size` that it has must be that of the tokenizer.
        encoded: The texts.
        document: Whether they are one document.

    Raises:
        ConfigError: If it has a value that does not fit the texts.
    """
    tokenizer = encoded.tokenizer
    if network.vocab_size not in (None, tokenizer.vocab_size):
        expected = f"{tokenizer.vocab_size}, the size of the tokenizer, or None"
        raise ConfigError("vocab_size", expected=expected, got=repr(network.vocab_size))
    steered = steered_by(network, encoded.schema, document=document)
    source = encoded.source_tokenizer
    size = None if source is None else source.vocab_size
    expected = f"{size}, the size of the source tokenizer, or None" if size else "None: there are no sources"
    stored = network.source_vocab_size
    check("source_vocab_size", stored, expected, stored in (None, size))
    return replace(steered, vocab_size=tokenizer.vocab_size, source_vocab_size=size)


def sampling_of(
    corpus: Records,
    encoded: EncodedCorpus,
    prompts: Sequence[str] | None,
    temperatures: Sequence[float] | None,
) -> SamplingCallback | None:
    """Return the callback that writes samples; none for rows of a table, whose symbols are not for people.

    Args:
        corpus: The texts.
        encoded: The same texts in ids.
        prompts: What the samples go on from; None for the usual prompts.
        temperatures: Their temperatures; None for the usual ones.
    """
    rows = isinstance(corpus, TableRecords) and prompts is None
    return sampling_callback(encoded, () if rows else prompts, temperatures)


def described_data(
    corpus: Records,
    validation: Records | None,
    encoded: EncodedCorpus,
    sampling: SamplingCallback | None,
    task: TrainingTask,
) -> dict[str, Any]:
    """Return the record of the training data in plain JSON types, so that it can be read again.

    Args:
        corpus: The texts.
        validation: The held-out texts that the user gave, or None.
        encoded: The same texts in ids.
        sampling: The callback that writes samples, or None.
        task: The task of the run.
    """
    samples = {} if sampling is None else {
        "prompts": list(sampling.prompts), "temperatures": list(sampling.temperatures)
    }  # fmt: skip
    facts = {
        "description": corpus.description,
        "document": corpus.document,
        "records": corpus.spec,
        "validation": None if validation is None else validation.spec,
        "sizes": stream_sizes(encoded.training, encoded.validation),
        "fingerprints": fingerprints(encoded),
        "samples": samples,
        "context": None if encoded.schema is None else to_plain(encoded.schema),
        "precision": task.engine.precision,
    } | ({} if encoded.split is None else {"split": described(encoded.split)})
    if isinstance(corpus, TableRecords):
        facts["table"] = to_dict(corpus.schema)
    return shared_data(facts)
