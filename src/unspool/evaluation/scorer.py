"""How probable separate texts are, symbol by symbol."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.engines.protocol import Engine, Parameters, StateArray
from unspool.evaluation.forward import stream_losses
from unspool.evaluation.streams import BATCH_SYMBOLS
from unspool.text.context import ContextSchema, RecordContexts
from unspool.text.records import Record
from unspool.text.streams.batches import padded_batches
from unspool.text.streams.lanes import Window
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import EncodedTexts, Unknown, unknown_rule

T = TypeVar("T", bound=str | Record)

NO_CONTEXT = ContextSchema()
TEXTS_AT_ONCE = 1 << 14  # sorted by length together
CHARACTERS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False, slots=True)
class TextScore:
    """Tell how probable one text is.

    Args:
        total_logprob: Log-probability of the text, and of ending after it where its end was asked for, in
            nats.
        token_logprobs: The same symbol by symbol; the last is that of `<eos>` where the end was asked
            for.  # (N + 1,) or (N,)
        bits_per_character: -total_logprob / ln 2 over the text's characters; None for an empty text.
        unknown: Symbols of the text that the model does not know, which were dropped or replaced: where
            there are any, the figures are those of another text.
    """

    total_logprob: float
    token_logprobs: NDArray[np.float32]
    bits_per_character: float | None
    unknown: int = 0


@dataclass(frozen=True, eq=False)
class Scorer:
    """Score texts with one network, after one prompt.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        tokenizer: The network's tokenizer; it normalizes the texts.
        prompt: What the texts go on from: their probabilities are those given that it was read. The
            prompt and each text are split into symbols on their own, as `generate` does it.
        ended: Whether the end of each text counts; without it a text is only a beginning.
        unknown: What becomes of a symbol that is not known, as in `Tokenizer.encode`; None for what the
            model was trained with: "replace" where it has an `<unk>`, else "error".
        schema: What may be known about a text.
    """

    engine: Engine
    parameters: Parameters
    tokenizer: Tokenizer
    prompt: str = ""
    ended: bool = True
    unknown: Unknown | None = None
    schema: ContextSchema = NO_CONTEXT

    @property
    def rule(self) -> Unknown:
        """Tell what becomes of an unknown symbol."""
        return unknown_rule(self.unknown, unk_id=self.tokenizer.unk_id)

    def scores(self, texts: Iterable[str | Record], *, first: int = 0) -> Iterator[TextScore]:
        """Score texts, each on its own after the prompt; their order and company change nothing.

        Args:
            texts: Any texts; no more than a block of them is held. What a record says of itself is taken as
                known; it must be a whole text.
            first: How many texts came before them, for messages.

        Yields:
            A score for each text, in the order of the texts.

        Raises:
            UnknownSymbolError: If a symbol is not known and that is an error.
        """
        first_id, state = self._start()
        done = first
        for some in blocks(texts):
            encoded = self._encode([text_of(one) for one in some], done)
            done += len(some)
            logprobs = self._logprobs(encoded, first_id, state, self._contexts(some))
            yield from self._rows(encoded, logprobs)

    def _start(self) -> tuple[int, StateArray | None]:
        """Read the prompt: give the symbol that stands before the texts, and the state before that."""
        eos_id = self.tokenizer.eos_id
        ids = self.tokenizer.encode(self.prompt, unknown=self.rule)
        if not len(ids):
            return eos_id, None
        read = np.concatenate([[eos_id], ids[:-1]]).astype(np.int32)[:, None]  # (T, 1)
        before = self.engine.initial_state(1, self.parameters)
        _, state = self.engine.token_losses(self.parameters, Window(read, read), before, reset_id=None)
        return int(ids[-1]), state

    def _encode(self, texts: Sequence[str], done: int) -> EncodedTexts:
        normal = [self.tokenizer.normalize(text) for text in texts]
        return self.tokenizer.encode_texts(normal, unknown=self.rule, place=_place_after(done))

    def _contexts(self, texts: Sequence[str | Record]) -> RecordContexts | None:
        """Gather what records say of themselves; None where the network has no place for it.

        Raises:
            ConfigError: If one says what the model has never heard of, or there is a prompt before them.
        """
        schema, told = self.schema, [text for text in texts if isinstance(text, Record)]
        if not told or not schema.width:
            return None
        check("prompt", self.prompt, "none with records: it would have the context of each", not self.prompt)
        blank = Record("")
        records = [text if isinstance(text, Record) else blank for text in texts]
        numbers = np.stack([schema.numbers(record.context) for record in records])
        if schema.vector_size is None:
            return RecordContexts(schema, numbers)
        zeros = np.zeros(schema.vector_size, np.float32)
        given = (record.vector for record in records)
        vectors = np.stack([zeros if one is None else schema.vector(one) for one in given])
        return RecordContexts(schema, numbers, vectors)

    def _logprobs(
        self,
        encoded: EncodedTexts,
        first_id: int,
        state: StateArray | None,
        contexts: RecordContexts | None = None,
    ) -> NDArray[np.float32]:
        """Give the log-probability of every symbol of the texts, each text closed by its `<eos>`."""
        sizes = encoded.lengths + 1
        ids = np.full(int(sizes.sum()), self.tokenizer.eos_id, np.int32)
        inside = np.ones(len(ids), np.bool_)
        inside[np.cumsum(sizes) - 1] = False
        ids[inside] = encoded.ids
        batches = padded_batches(ids, sizes, max_symbols=BATCH_SYMBOLS, first_id=first_id)
        return -stream_losses(
            self.engine,
            self.parameters,
            batches,
            count=len(ids),
            state=state,
            contexts=contexts,
            eos_id=None if contexts is None else self.tokenizer.eos_id,
        )

    def _rows(self, encoded: EncodedTexts, logprobs: NDArray[np.float32]) -> Iterator[TextScore]:
        ends = np.cumsum(encoded.lengths + 1)
        begins = ends - encoded.lengths - 1
        lasts = ends if self.ended else ends - 1
        # Sums of each text's own figures: differences of one long sum would depend on the company.
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
    """Give the text of a record."""
    return text.text if isinstance(text, Record) else text


def blocks(texts: Iterable[T]) -> Iterator[list[T]]:
    """Gather texts into blocks of so many that short ones are cheap and long ones need little memory."""
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
    """Name the texts of a block for messages."""
    return lambda index: (f"text {done + index + 1}", 0)
