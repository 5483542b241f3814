"""What the model says of a text and of a place in it: everything that the screen of ``play`` shows."""

import dataclasses
import itertools
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import to_dict
from unspool.evaluation.next_symbols import named_symbols
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.sampling.probabilities import probabilities
from unspool.generation.sampling.random import raw, sequence_keys, uniform

if TYPE_CHECKING:
    from unspool.evaluation.reader import TextReader
    from unspool.model import Generator

BITS = np.log(2)


@dataclass(frozen=True)
class View:
    """Say what a prediction is about.

    Args:
        text: The whole text, in the model's Unicode form.
        cursor: Characters before the place from which the model goes on.
        options: How it goes on; the seed is set.
    """

    text: str
    cursor: int
    options: GenerationOptions


@dataclass(frozen=True)
class Continuation:
    """Hold one way in which a text may go on.

    Args:
        text: What the model wrote.
        ends: Whether the model ended the text there.
    """

    text: str
    ends: bool


@dataclass(frozen=True)
class Prediction:
    """Hold what the model says of a view.

    Args:
        view: The view.
        next_symbols: What may come next and how probably, falling; "<eos>" is the end of the text.
        suggestion: The most probable way to go on, symbol by symbol.
        continuations: Ways to go on that were drawn.
        surprisals: Bits of each character of the text; None for what the model does not know, and for what
            is there of a longer symbol at the end.
        strangers: The symbols that the model does not know, each once.
    """

    view: View
    next_symbols: tuple[tuple[str, float], ...]
    suggestion: Continuation
    continuations: tuple[Continuation, ...]
    surprisals: tuple[float | None, ...]
    strangers: tuple[str, ...]

    @property
    def bits_per_character(self) -> float | None:
        """Average the surprise over the characters that the model knows; None where there is none."""
        known = [bits for bits in self.surprisals if bits is not None]
        return sum(known) / len(known) if known else None


class Predictor:
    """Make predictions; what was read for the last one is not read again.

    Args:
        model: The model.
        count: Continuations to draw.
        length: Their greatest length, in symbols.
        top: Next symbols to name.
    """

    def __init__(self, model: "Generator", *, count: int = 5, length: int = 60, top: int = 12) -> None:
        self._model, self._tokenizer = model, model.tokenizer
        self._count, self._length, self._top = count, length, top
        unk = self._tokenizer.unk_id
        symbols = self._tokenizer.spellings[1 : -1 if unk is None else -2]
        self._ids = {symbol: i for i, symbol in enumerate(symbols, start=1)}
        self._long = any(len(symbol) > 1 for symbol in symbols)
        self._whole, self._before = model.reader(), model.reader()
        self._lock = threading.Lock()  # the screen may ask while the worker is at it

    def knows(self, symbol: str) -> bool:
        """Tell whether a symbol is one of the model's."""
        return bool(self._tokenizer.piece_ids(symbol))

    @property
    def fate(self) -> str:
        """Say what becomes of what the model does not know."""
        return "left out" if self._tokenizer.unk_id is None else "read as <unk>"

    def predict(self, view: View) -> Prediction:
        """Read the text and go on from the cursor."""
        with self._lock:
            context, pending = self._cut(view.text[: view.cursor])
            at_end = view.cursor == len(view.text)
            symbols = context if at_end else self._tokenizer.split(view.text)
            unjudged = (None,) * (len(pending) if at_end else 0)
            logprobs = self._whole.read(self._known(symbols))
            reader = self._whole if at_end else self._before
            chances = self._chances(reader, context, pending, view.options)
            beginning = _Beginning("".join(context), pending, chances)
            (suggestion,) = self._go_on(beginning, GenerationOptions(temperature=0, seed=0), 1)
            return Prediction(
                view=view,
                next_symbols=tuple(named_symbols(chances, self._tokenizer, top=self._top)),
                suggestion=without_loop(suggestion),
                continuations=tuple(self._go_on(beginning, view.options, self._count)),
                surprisals=self._surprisals(symbols, logprobs) + unjudged,
                strangers=tuple(dict.fromkeys(symbol for symbol in symbols if not self.knows(symbol))),
            )

    def _chances(
        self, reader: "TextReader", context: list[str], pending: str, options: GenerationOptions
    ) -> NDArray[np.float64]:
        """Give the probability of each symbol after the context that begins with what is pending.  # (V,)."""
        ids = self._known(context)
        if reader is self._before:
            reader.read(ids)
        fitting = np.full(self._tokenizer.vocab_size, not pending)
        if pending:
            fitting[[i for symbol, i in self._ids.items() if symbol.startswith(pending)]] = True
        return probabilities(np.where(fitting, reader.logits_after(len(ids)), -np.inf), options)

    def _surprisals(self, symbols: list[str], logprobs: NDArray[np.float64]) -> tuple[float | None, ...]:
        """Give the bits of each character; those of a longer symbol are shared by its characters."""
        read = iter((-logprobs / BITS).tolist())
        bits: list[float | None] = []
        for symbol in symbols:
            share = sum(next(read) for _ in self._read(symbol)) / len(symbol)
            bits += [max(0.0, share) if self.knows(symbol) else None] * len(symbol)
        return tuple(bits)

    def _cut(self, before: str) -> tuple[list[str], str]:
        """Split what is before the cursor into whole symbols and the beginning of one that may grow."""
        symbols = self._tokenizer.split(before)
        if not self._long or not symbols:
            return symbols, ""
        last = symbols[-1]
        grows = any(symbol.startswith(last) and symbol != last for symbol in self._ids)
        return (symbols[:-1], last) if grows else (symbols, "")

    def _read(self, symbol: str) -> list[int]:
        unk = self._tokenizer.unk_id
        return self._tokenizer.piece_ids(symbol) or ([] if unk is None else [unk])

    def _known(self, symbols: list[str]) -> NDArray[np.int32]:
        """Give the ids that the model reads: what it does not know is <unk> where it has one, or left out."""
        return np.array([i for symbol in symbols for i in self._read(symbol)], dtype=np.int32)

    def _go_on(self, beginning: "_Beginning", options: GenerationOptions, count: int) -> list[Continuation]:
        """Continue a text `count` times, as `Generator.generate` does."""
        keywords: Any = to_dict(dataclasses.replace(options, max_new_tokens=self._length))
        unknown: Any = "drop" if self._tokenizer.unk_id is None else "replace"
        if not beginning.pending:
            drawn = self._model.generate(beginning.context, n=count, unknown=unknown, **keywords)
            return [Continuation(text.continuation, text.finish_reason == "stop") for text in drawn]
        firsts = [self._tokenizer.decode([i]) for i in beginning.first_symbols(options, count)]
        prompts = [beginning.context + first for first in firsts]
        drawn = self._model.generate(prompts, unknown=unknown, **keywords)
        added = [first[len(beginning.pending) :] for first in firsts]
        return [
            Continuation(rest + text.continuation, text.finish_reason == "stop")
            for rest, text in zip(added, drawn, strict=True)
        ]


def without_loop(suggestion: Continuation) -> Continuation:
    """Cut a suggestion where it repeats two words: the most probable way to go on often ends in a circle."""
    words = list(re.finditer(r"\S+", suggestion.text))
    pairs: set[tuple[str, str]] = set()
    for first, second in itertools.pairwise(words):
        if (first.group(), second.group()) in pairs:
            return Continuation(suggestion.text[: first.start()].rstrip(), ends=False)
        pairs.add((first.group(), second.group()))
    return suggestion


@dataclass(frozen=True, eq=False)
class _Beginning:
    """Hold a text that may end in the beginning of a symbol.

    Args:
        context: The whole symbols, put together.
        pending: The beginning of the symbol after them, or "".
        chances: Probability of each symbol that may stand there.  # (V,)
    """

    context: str
    pending: str
    chances: NDArray[np.float64]

    def first_symbols(self, options: GenerationOptions, count: int) -> list[int]:
        """Choose the symbol that begins each continuation, apart from the numbers that draw the rest."""
        if options.temperature == 0:
            return [int(self.chances.argmax())] * count
        keys = sequence_keys(options.seed or 0, count)
        others = raw(keys, np.full(count, 2**63, dtype=np.uint64))
        running = np.cumsum(self.chances)
        randoms = [uniform(key, 0) * running[-1] for key in others]
        return [int(np.searchsorted(running, random, side="right")) for random in randoms]
