"""Collect the sources of records while these are read, and encode them with a tokenizer of their own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unspool._errors import CorpusError
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.split import Sided
from unspool._text.records import Record, normalized
from unspool._text.streams.lanes import padded_sources
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._text.tokenizers.unknown import Unknown


class SourceGatherer:
    """A collector of the source of each record, and of its side of the split."""

    def __init__(self) -> None:
        self._sources: list[tuple[str, bool]] = []

    def passing(self, records: Iterable[Sided]) -> Iterator[Sided]:
        """Yield the records unchanged, and note the source of each.

        Args:
            records: The records, each with whether it is held out.

        Raises:
            CorpusError: If a record has no source, or is a piece of a longer text.
        """
        for number, (record, held_out) in enumerate(records, start=1):
            if record.source is None:
                hint = "choose its column (--source, in Python source_text)"
                raise CorpusError(
                    f"record {number:,} has no source", expected="one in every record", hint=hint
                )
            if not record.ends:
                raise CorpusError(
                    f"record {number:,}", expected="a whole text beside a source", got="a piece"
                )
            self._sources.append((record.source, held_out))
            yield record, held_out

    def by_side(self) -> list[str]:
        """Return the sources of the records to learn from, then those of the held-out records."""
        return [source for side in (False, True) for source, held_out in self._sources if held_out == side]

    def move(self, training: NDArray[np.int64], validation: NDArray[np.int64]) -> None:
        """Put the records on other sides.

        Args:
            training: The records to learn from, numbered as `by_side` orders them.
            validation: The records to hold out.
        """
        old = self.by_side()
        self._sources = [
            (old[i], held_out)
            for part, held_out in ((training, False), (validation, True))
            for i in part.tolist()
        ]

    def texts(self) -> Iterator[str]:
        """Return the sources."""
        return (source for source, _ in self._sources)

    def sides(self, form: str | None) -> Iterator[Sided]:
        """Return the sources as records, on the same side of the split as their texts.

        Args:
            form: The Unicode form that the sources are converted to, or None.
        """
        return ((Record(normalized(source, form)), held_out) for source, held_out in self._sources)


def with_sources(targets: EncodedCorpus, sources: EncodedCorpus) -> EncodedCorpus:
    """Return encoded texts with their sources; both have the same order and the same split.

    Args:
        targets: The encoded texts.
        sources: The encoded sources.
    """

    def joined(stream: TokenStream, read: TokenStream) -> TokenStream:
        return replace(stream, sources=read if read.num_records else None)

    return replace(
        targets,
        training=joined(targets.training, sources.training),
        validation=joined(targets.validation, sources.validation),
        source_tokenizer=sources.tokenizer,
        unknown=targets.unknown + sources.unknown,
    )


def read_sources(
    tokenizer: Tokenizer, texts: Sequence[str], *, unknown: Unknown = "error"
) -> NDArray[np.int32]:
    """Encode sources as an encoder reads them; see `padded_sources`.

    Args:
        tokenizer: The tokenizer of the sources.
        texts: R sources, R ≥ 1.
        unknown: The treatment of symbols that the tokenizer does not know: "error", "drop" or "replace".

    Raises:
        UnknownSymbolError: If a source has a symbol that the tokenizer does not know.
    """
    closed = [[*tokenizer.encode(text, unknown=unknown), tokenizer.eos_id] for text in texts]
    sizes = np.array([len(ids) for ids in closed], np.int64)
    ids = np.concatenate(closed).astype(np.int32)
    stream = TokenStream(ids, np.cumsum(sizes) - sizes, sum(map(len, texts)))
    return padded_sources(stream, np.arange(len(texts)))
