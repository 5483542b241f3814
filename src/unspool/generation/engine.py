"""What an engine is asked to write: prompts, options and states, all of it in ids."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.generation.automata.automaton import Guide, TokenAutomaton
from unspool.generation.options.generation_options import OF_TEXTS, GenerationOptions
from unspool.generation.sampling.random import fresh_seed, sequence_keys
from unspool.generation.search.forward import Floats


@dataclass(frozen=True, eq=False)
class EngineRequest:
    """The sequences that an engine is to continue, and how.

    Sequence i draws from the random stream (seed, first + i) alone.

    Args:
        prompts: One array of ids for each sequence. An empty one is welcome.
        options: How to sample and when to stop, all of it said in ids. Biases are by id. `bad_words`, `stop`
            and `best_of` are None: the guide, the automaton `stop` and the caller do their work. Where there
            is no seed, one is drawn.
        first: Random stream of the first sequence.
        states: Where each sequence goes on from: the prompts are read as they are, and after an empty
            one the first symbol is drawn from the state itself. None for a fresh start: the engine puts
            the <eos> that starts a record before each prompt.  # (L, S, N, H)
        guide: What may be drawn, and where each sequence stands in it; None for no limits.
        context: What is known of the sequences, for a network with a context; None for nothing.  # (F,)
        stop: Ends a sequence with the symbol that leads to `DEAD`, once there are `min_tokens`; under a
            guide only where it accepts. None for nothing but `<eos>`.

    Raises:
        ConfigError: If an option is about text, or a sequence cannot meet its guide in time.
    """

    prompts: Sequence[NDArray[np.integer[Any]]]
    options: GenerationOptions
    _: KW_ONLY
    first: int = 0
    states: Floats | None = None
    context: Floats | None = None
    guide: Guide | None = None
    stop: TokenAutomaton | None = None

    def __post_init__(self) -> None:
        """Check what needs no vocabulary, and draw a seed where there is none."""
        for name in OF_TEXTS:
            value = getattr(self.options, name)
            check(name, value, "None: an engine works on ids; Generator.generate takes texts", value is None)
        if self.guide is not None:
            self.guide.check(self.options.max_new_tokens)
        if self.options.seed is None:
            object.__setattr__(self, "options", replace(self.options, seed=fresh_seed()))

    def check_ids(self, vocab_size: int) -> None:
        """Check the options against a vocabulary.

        Raises:
            ConfigError: If a bias is for none of its ids, it has too few of them for `logprobs`, or a breaker
                is a string.
        """
        biases, logprobs = self.options.logit_bias, self.options.logprobs
        fits = all(is_whole(key, least=1) and int(key) < vocab_size for key in biases or {})
        check("logit_bias", biases, f"ids from 1 to {vocab_size - 1}", fits)
        breakers = self.options.dry_sequence_breakers
        in_ids = not any(isinstance(each, str) for each in breakers or ())
        check("dry_sequence_breakers", breakers, "tuples of ids: an engine takes no strings", in_ids)
        ok = logprobs is None or logprobs < vocab_size
        check("logprobs", logprobs, f"a whole number from 1 to {vocab_size - 1}, or None", ok)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Return the key (N,) of each sequence's random stream."""
        return sequence_keys(cast(int, self.options.seed), len(self.prompts), first=self.first)

    def part(self, start: int, end: int) -> "EngineRequest":
        """Return the request for sequences start … end - 1 alone, which share its memory."""
        return replace(
            self,
            prompts=self.prompts[start:end],
            first=self.first + start,
            states=None if self.states is None else self.states[:, :, start:end],
            guide=None if self.guide is None else self.guide.part(start, end),
        )

    def repeated(self, count: int, *, first: int) -> "EngineRequest":
        """Return the request for so many sequences of each prompt, the first of which has stream `first`."""
        return replace(
            self,
            prompts=[ids for ids in self.prompts for _ in range(count)],
            first=first,
            states=None if self.states is None else self.states.repeat(count, axis=2),
            guide=None if self.guide is None else self.guide.repeated(count),
        )
