"""The request to an engine: prompts, options and states, all in ids."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._generation.automata.automaton import Guide, TokenAutomaton
from unspool._generation.options.generation_options import OF_TEXTS, GenerationOptions
from unspool._generation.sampling.random import fresh_seed, raw, sequence_keys
from unspool._generation.search.forward import Floats

MOST_TEXTS = 10_000_000  # that are written together; each needs some kilobytes


@dataclass(frozen=True, eq=False)
class EngineRequest:
    """The sequences that an engine has to continue, and their options.

    Sequence i draws only from the random stream (seed, first + i), or from the one of its key.

    Args:
        prompts: An array of ids for each sequence; it may be empty.
        options: The options of generation, in ids: biases and breakers are by id. `bad_words`, `stop` and
            `best_of` are None, since the guide, the automaton `stop` and the caller implement them. If the
            seed is None, one is drawn.
        first: Number of the random stream of the first sequence.
        states: The state before each prompt. After an empty prompt the first token is drawn from the state
            itself. None for a fresh start: the engine reads `<eos>` before each prompt.  # (L, S, N, H)
        guide: The automaton of the tokens that may be drawn, with the state of each sequence; None for no
            limits.
        context: The context of the sequences, for a network with a context; None for no context.  # (F,)
        stop: Automaton that ends a sequence at the token that leads to `DEAD`, once there are `min_tokens`;
            under a guide only in a state that accepts. None if only `<eos>` ends a sequence.
        own_keys: The key of the random stream of each sequence, for sequences of several seeds; None for
            those of the seed.  # (N,)
        kind: The request of which this one has everything but the prompts and the seed; None for no other.

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
    own_keys: NDArray[np.uint64] | None = None
    kind: "EngineRequest | None" = None

    def __post_init__(self) -> None:
        """Check the options that need no vocabulary, and draw a seed if there is none."""
        for name, usual in OF_TEXTS.items():
            value, expected = getattr(self.options, name), f"{usual}: an engine works on ids"
            check(name, value, f"{expected}; Generator.generate takes texts", value == usual)
        if self.guide is not None:
            self.guide.check(self.options.max_new_tokens)
        if self.options.seed is None:
            object.__setattr__(self, "options", replace(self.options, seed=fresh_seed()))

    def check_ids(self, vocab_size: int) -> None:
        """Check the options against a vocabulary.

        Raises:
            ConfigError: If a bias is for an id outside the vocabulary, `logprobs` is larger than it, or a
                breaker is a string.
        """
        biases, logprobs = self.options.logit_bias, self.options.logprobs
        fits = all(is_whole(key, least=1) and int(key) < vocab_size for key in biases or {})
        check("logit_bias", biases, f"ids from 1 to {vocab_size - 1}", fits)
        breakers = self.options.dry_sequence_breakers
        are_ids = not any(isinstance(each, str) for each in breakers or ())
        check("dry_sequence_breakers", breakers, "tuples of ids: an engine takes no strings", are_ids)
        ok = logprobs is None or logprobs < vocab_size
        check("logprobs", logprobs, f"a whole number from 1 to {vocab_size - 1}, or None", ok)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The key of the random stream of each sequence.  # (N,)."""
        if self.own_keys is not None:
            return self.own_keys
        return sequence_keys(cast(int, self.options.seed), len(self.prompts), first=self.first)

    def anew(
        self, prompts: Sequence[NDArray[np.integer[Any]]], options: GenerationOptions
    ) -> "EngineRequest":
        """Return the request for other prompts; what was checked is not checked again.

        Args:
            prompts: The prompts. A request with states, or with a guide, has them for its own prompts only.
            options: The options of this request with another seed.
        """
        return self._changed(prompts=prompts, options=options, kind=self.kind or self)

    def _changed(self, **fields: Any) -> "EngineRequest":
        """Return a copy with other values of some fields, which need no check."""
        changed = object.__new__(EngineRequest)
        vars(changed).update(vars(self), **fields)
        return changed

    def part(self, start: int, end: int) -> "EngineRequest":
        """Return a request for sequences start … end - 1, without a copy."""
        return replace(
            self,
            prompts=self.prompts[start:end],
            first=self.first + start,
            states=None if self.states is None else self.states[:, :, start:end],
            guide=None if self.guide is None else self.guide.part(start, end),
            own_keys=None if self.own_keys is None else self.own_keys[start:end],
        )

    def repeated(self, count: int, *, first: int) -> "EngineRequest":
        """Return a request with `count` sequences for each prompt.

        Args:
            count: Number of sequences for each prompt.
            first: Number of the random stream of the first sequence.

        Raises:
            ConfigError: If so many texts would not fit into the memory.
        """
        total = count * len(self.prompts)
        check("n or best_of", total, f"at most {MOST_TEXTS:,} texts together", total <= MOST_TEXTS)
        return replace(
            self,
            prompts=[ids for ids in self.prompts for _ in range(count)],
            first=first,
            states=None if self.states is None else self.states.repeat(count, axis=2),
            guide=None if self.guide is None else self.guide.repeated(count),
        )


def as_one(requests: Sequence[EngineRequest]) -> EngineRequest:
    """Return the sequences of requests of one kind, which may have different seeds, as one request.

    Args:
        requests: The requests, in their order; at least one. Several have one `kind`.
    """
    if len(requests) == 1:
        return requests[0]
    counts = [len(each.prompts) for each in requests]
    seeds = np.array([each.options.seed for each in requests], np.uint64)
    numbers = [each.first + i for each, count in zip(requests, counts, strict=True) for i in range(count)]
    return requests[0]._changed(
        prompts=[ids for each in requests for ids in each.prompts],
        own_keys=raw(np.repeat(seeds, counts), np.array(numbers, np.uint64)),
    )
