"""The scores of separate texts: how probable each of their tokens is."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check
from unspool._engines.protocol import Engine, Parameters, StateArray
from unspool._evaluation.forward import most_columns, stream_losses
from unspool._evaluation.streams import BATCH_SYMBOLS
from unspool._kernels.adapting import AdaptiveCounts
from unspool._text.context import ContextSchema, RecordContexts
from unspool._text.records import Record
from unspool._text.streams.batches import padded_batches
from unspool._text.streams.lanes import Window
from unspool._text.tokenizers.registry import Tokenizer
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, unknown_rule
from unspool._views.short_repr import short_repr

T = TypeVar("T", bound=str | Record)

NO_CONTEXT = ContextSchema()
TEXTS_AT_ONCE = 1 << 14  # texts that are sorted by length together
CHARACTERS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False, slots=True)
class TextScore:
    """The score of one text: how probable a model finds it.

    Args:
        total_logprob: Log-probability of the text in nats; with that of its end, if the end counts.
        token_logprobs: Log-probability of each token; the last is that of `<eos>`, if the end counts. That of
            a word which is read as `<unk>` includes its spelling, if the tokenizer has a
            `spelling_model`.  # (N + 1,) or (N,)
        bits_per_character: -total_logprob / ln 2 over the text's characters; None for an empty text.
        unknown: Number of symbols that the model does not know and that were dropped or replaced. If there
            are any, the score is that of another text, unless each is an `<unk>` that is spelled.

    Example:
        >>> import numpy as np
        >>> from unspool import TextScore
        >>> score = TextScore(-2.0, np.array([-1.5, -0.5]), 2.9)
        >>> score.total_logprob, score.unknown
        (-2.0, 0)
    """

    total_logprob: float
    token_logprobs: NDArray[np.float32]
    bits_per_character: float | None
    unknown: int = 0

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Scorer:
    """A network that scores texts, after one prompt.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        tokenizer: The network's tokenizer; it normalizes the texts.
        prompt: The text that the scored texts continue; their probabilities are those after the prompt. The
            prompt and each text are tokenized separately, as in `generate`.
        ended: Whether the end of each text counts; without it a text is only a beginning.
        unknown: The treatment of unknown symbols, as in `Tokenizer.encode`. None follows the tokenizer:
            "replace" if it has an `<unk>`, else "error".
        schema: The context that the network was trained with.
        adapt: Whether what a text has said before is expected again in it; see `AdaptiveCounts`.
    """

    engine: Engine
    parameters: Parameters
    tokenizer: Tokenizer
    prompt: str = ""
    ended: bool = True
    unknown: Unknown | None = None
    schema: ContextSchema = NO_CONTEXT
    adapt: bool = False

    __repr__ = short_repr

    @property
    def rule(self) -> Unknown:
        """Return the treatment of unknown symbols."""
        return unknown_rule(self.unknown, unk_id=self.tokenizer.unk_id)

    def scores(self, texts: Iterable[str | Record], *, first: int = 0) -> Iterator[TextScore]:
        """Yield the score of each text by itself after the prompt; other texts do not change it.

        Args:
            texts: The texts; at most one block of them is in memory. The context of a record is used. A
                record must be a whole text.
            first: Number of texts before these, for messages.

        Yields:
            A score for each text, in the order of the texts.

        Raises:
            UnknownSymbolError: If a symbol is unknown and that is an error.
        """
        first_id, state = self._start()
        done = first
        for block in blocks(texts):
            encoded = self._encode([text_of(text) for text in block], done)
            done += len(block)
            logprobs = self._logprobs(encoded, first_id, state, self._contexts(block))
            yield from self._rows(encoded, logprobs)

    def _start(self) -> tuple[int, StateArray | None]:
        """Read the prompt; return the token before the texts, and the state before that token."""
        eos_id = self.tokenizer.eos_id
        ids = self.tokenizer.encode(self.prompt, unknown=self.rule)
        if not len(ids):
            return eos_id, None
        inputs = np.concatenate([[eos_id], ids[:-1]]).astype(np.int32)[:, None]  # (T, 1)
        before = self.engine.initial_state(1, self.parameters)
        _, state = self.engine.token_losses(self.parameters, Window(inputs, inputs), before, reset_id=None)
        return int(ids[-1]), state

    def _encode(self, texts: Sequence[str], done: int) -> EncodedTexts:
        normal = [self.tokenizer.normalize(text) for text in texts]
        return self.tokenizer.encode_texts(normal, unknown=self.rule, place=_place_after(done))

    def _contexts(self, texts: Sequence[str | Record]) -> RecordContexts | None:
        """Return the contexts of the records; None if the network has no room for them.

        Raises:
            ConfigError: If a record has an attribute that the model does not know, or there is a prompt.
        """
        schema, steered_records = self.schema, [text for text in texts if isinstance(text, Record)]
        if not steered_records or not schema.width:
            return None
        check("prompt", self.prompt, "left out with records that have a context", not self.prompt)
        blank = Record("")
        records = [text if isinstance(text, Record) else blank for text in texts]
        numbers = np.stack([schema.numbers(record.context) for record in records])
        if schema.vector_size is None:
            return RecordContexts(schema, numbers)
        zeros = np.zeros(schema.vector_size, np.float32)
        given_vectors = (record.vector for record in records)
        vectors = np.stack([zeros if one is None else schema.vector(one) for one in given_vectors])
        return RecordContexts(schema, numbers, vectors)

    def _logprobs(
        self,
        encoded: EncodedTexts,
        first_id: int,
        state: StateArray | None,
        contexts: RecordContexts | None = None,
    ) -> NDArray[np.float32]:
        """Return the log-probability of every token of the texts, each with its `<eos>`."""
        sizes = encoded.lengths + 1
        ids = np.full(int(sizes.sum()), self.tokenizer.eos_id, np.int32)
        inside = np.ones(len(ids), np.bool_)
        inside[np.cumsum(sizes) - 1] = False
        ids[inside] = encoded.ids
        columns = most_columns(self.parameters)
        batches = padded_batches(
            ids, sizes, max_symbols=BATCH_SYMBOLS, max_columns=columns, first_id=first_id
        )
        logprobs = -stream_losses(
            self.engine,
            self.parameters,
            batches,
            count=len(ids),
            state=state,
            contexts=contexts,
            eos_id=None if contexts is None else self.tokenizer.eos_id,
        )
        if self.adapt:
            logprobs = -self._adapted(ids, -logprobs, sizes)
        if encoded.spelling is not None:
            logprobs[ids == self.tokenizer.unk_id] -= encoded.spelling
        return logprobs

    def _adapted(
        self, ids: NDArray[np.int32], nats: NDArray[np.float32], sizes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the nats of texts (N,) with the counts of each, and of the prompt before it."""
        prompt = self.tokenizer.encode(self.prompt, unknown=self.rule).astype(np.int32)
        parts = []
        for end, size in zip(np.cumsum(sizes), sizes, strict=True):
            counts, text = AdaptiveCounts(None), slice(end - size, end)
            counts.adapt(prompt, np.zeros(len(prompt), np.float32))
            parts.append(counts.adapt(ids[text], nats[text]))
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _rows(self, encoded: EncodedTexts, logprobs: NDArray[np.float32]) -> Iterator[TextScore]:
        ends = np.cumsum(encoded.lengths + 1)
        begins = ends - encoded.lengths - 1
        lasts = ends if self.ended else ends - 1
        # One sum for each text: differences of one long sum would depend on the other texts.
        padded = np.append(logprobs, 0.0).astype(np.float64)
        totals = np.add.reduceat(padded, np.stack([begins, lasts], axis=1).reshape(-1))[::2]
        totals[begins == lasts] = 0.0
        nats = -totals / math.log(2) / np.maximum(encoded.characters, 1)
        columns = (begins, lasts, totals, nats, encoded.characters, encoded.strangers)
        for begin, last, total, bits, characters, unknown in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            yield TextScore(total, logprobs[begin:last], bits if characters else None, unknown)


def text_of(text: str | Record) -> str:
    """Return the text of a record."""
    return text.text if isinstance(text, Record) else text


def blocks(texts: Iterable[T]) -> Iterator[list[T]]:
    """Yield texts in blocks: short texts share one, and long ones need little memory."""
    block: list[T] = []
    characters = 0
    for text in texts:
        block.append(text)
        characters += len(text_of(text))
        if len(block) >= TEXTS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _place_after(done: int) -> Callable[[int], tuple[str, int]]:
    """Return a function that names the texts of a block for messages."""
    return lambda index: (f"text {done + index + 1}", 0)
