"""The prediction of the model for a text and a place in it, for the screen of ``play``."""

import dataclasses
import itertools
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import to_dict
from unspool._evaluation.next_symbols import named_symbols
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.probabilities import probabilities
from unspool._generation.sampling.random import raw, sequence_keys, uniform

if TYPE_CHECKING:
    from unspool._evaluation.reader import TextReader
    from unspool._model import Generator

BITS = np.log(2)


@dataclass(frozen=True)
class View:
    """The subject of a prediction.

    Args:
        text: The whole text, in the model's Unicode form.
        cursor: Number of characters before the place where the model continues.
        options: The options of generation, with a seed.
    """

    text: str
    cursor: int
    options: GenerationOptions


@dataclass(frozen=True)
class Continuation:
    """A possible continuation of a text.

    Args:
        text: The text that the model wrote.
        ends: Whether the model ended the text there.
    """

    text: str
    ends: bool


@dataclass(frozen=True)
class Prediction:
    """The prediction of the model for a view.

    Args:
        view: The view.
        next_symbols: The possible next symbols with their probabilities, the most probable first; "<eos>" is
            the end of the text.
        suggestion: The continuation by the most probable symbol at each place.
        continuations: Continuations that were drawn.
        surprisals: Bits of each character of the text; those of an ``<unk>`` include its spelling. None for a
            character that is left out, of an ``<unk>`` that no model spells, or in the beginning of a longer
            symbol at the end.
        strange: Whether each character is of a symbol that the model does not know.
        strangers: These symbols, each once.
    """

    view: View
    next_symbols: tuple[tuple[str, float], ...]
    suggestion: Continuation
    continuations: tuple[Continuation, ...]
    surprisals: tuple[float | None, ...]
    strange: tuple[bool, ...]
    strangers: tuple[str, ...]

    @property
    def judged(self) -> tuple[float, ...]:
        """The bits of the characters that have any."""
        return tuple(bits for bits in self.surprisals if bits is not None)

    @property
    def bits_per_character(self) -> float | None:
        """The mean surprise of the characters that have one; None if there are none."""
        return sum(self.judged) / len(self.judged) if self.judged else None


class Predictor:
    """A maker of predictions, which reads only the changes since the last one.

    Args:
        model: The model.
        count: Number of continuations.
        length: Greatest length of a continuation, in tokens.
        top: Number of next symbols.
    """

    def __init__(self, model: "Generator", *, count: int = 5, length: int = 60, top: int = 12) -> None:
        self._model, self._tokenizer = model, model.tokenizer
        self._count, self._length, self._top = count, length, top
        unk = self._tokenizer.unk_id
        symbols = self._tokenizer.spellings[1 : -1 if unk is None else -2]
        self._ids = {symbol: i for i, symbol in enumerate(symbols, start=1)}
        self._long = any(len(symbol) > 1 for symbol in symbols)
        self._whole, self._before = model.reader(), model.reader()
        self._lock = threading.Lock()  # the screen may call it while the worker does

    def knows(self, symbol: str) -> bool:
        """Return whether the model knows a symbol."""
        return bool(self._tokenizer.piece_ids(symbol))

    @property
    def fate(self) -> str:
        """The treatment of the symbols that the model does not know."""
        return "left out" if self._tokenizer.unk_id is None else "read as <unk>"

    def predict(self, view: View) -> Prediction:
        """Return the prediction for a view."""
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
                strange=tuple(not self.knows(symbol) for symbol in symbols for _ in symbol),
                strangers=tuple(dict.fromkeys(symbol for symbol in symbols if not self.knows(symbol))),
            )

    def _chances(
        self, reader: "TextReader", context: list[str], pending: str, options: GenerationOptions
    ) -> NDArray[np.float64]:
        """Return the probability of each token after the context that begins with `pending`.  # (V,)."""
        ids = self._known(context)
        if reader is self._before:
            reader.read(ids)
        fitting = np.full(self._tokenizer.vocab_size, not pending)
        if pending:
            fitting[[i for symbol, i in self._ids.items() if symbol.startswith(pending)]] = True
        return probabilities(np.where(fitting, reader.logits_after(len(ids)), -np.inf), options)

    def _surprisals(self, symbols: list[str], logprobs: NDArray[np.float64]) -> tuple[float | None, ...]:
        """Return the bits of each character; the characters of a longer symbol share its bits."""
        read = iter((-logprobs / BITS).tolist())
        bits: list[float | None] = []
        for symbol in symbols:
            read_bits = sum(next(read) for _ in self._read(symbol))
            spelling = 0.0 if self.knows(symbol) else self._bits_to_spell(symbol)
            share = None if spelling is None else max(0.0, (read_bits + spelling) / len(symbol))
            bits += [share] * len(symbol)
        return tuple(bits)

    def _bits_to_spell(self, stranger: str) -> float | None:
        """Return the bits to spell an unknown symbol, as `score` counts them; None if no model spells it."""
        model = self._tokenizer.spelling_model
        return None if model is None else model.nats(stranger) / BITS

    def _cut(self, before: str) -> tuple[list[str], str]:
        """Split the text before the cursor into whole symbols and the beginning of one that may continue."""
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
        """Return the ids of symbols; an unknown symbol becomes <unk>, or is left out if there is none."""
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
    """Return a suggestion up to its first repetition of two words: it often ends in a loop."""
    words = list(re.finditer(r"\S+", suggestion.text))
    pairs: set[tuple[str, str]] = set()
    for first, second in itertools.pairwise(words):
        if (first.group(), second.group()) in pairs:
            return Continuation(suggestion.text[: first.start()].rstrip(), ends=False)
        pairs.add((first.group(), second.group()))
    return suggestion


@dataclass(frozen=True, eq=False)
class _Beginning:
    """A text that may end with the beginning of a symbol.

    Args:
        context: The whole symbols as one text.
        pending: The beginning of the symbol after them, or "".
        chances: Probability of each token that may come next.  # (V,)
    """

    context: str
    pending: str
    chances: NDArray[np.float64]

    def first_symbols(self, options: GenerationOptions, count: int) -> list[int]:
        """Draw the first token of each continuation, with random numbers that the rest does not use."""
        if options.temperature == 0:
            return [int(self.chances.argmax())] * count
        keys = sequence_keys(options.seed or 0, count)
        numbers = raw(keys, np.full(count, 2**63, dtype=np.uint64))
        running = np.cumsum(self.chances)
        randoms = [uniform(key, 0) * running[-1] for key in numbers]
        return [int(np.searchsorted(running, random, side="right")) for random in randoms]
