"""Searching a model for texts: the methods that `unspool.Generator` has for it."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.generation.automata.automaton import TokenAutomaton
from unspool.generation.conditioning import Conditioning, Context
from unspool.generation.constraints.constraint import ConstraintLike
from unspool.generation.search.beams import search_beams
from unspool.generation.search.enumeration import READ_AT_ONCE, OutcomeSearch
from unspool.generation.search.forward import Floats, Searched
from unspool.generation.search.search_options import (
    BeamKeywords,
    EnumerationKeywords,
    beam_options,
    enumeration_options,
)
from unspool.generation.search.texts import Enumeration, FoundText
from unspool.generation.search.tree import Outcome
from unspool.generation.writer import WritingEngine
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown


class Searching(Conditioning):
    """Find texts with a network that the class on top of this one holds.

    Attributes:
        tokenizer: The network's tokenizer.
        parameters: The network's parameters.
    """

    tokenizer: Tokenizer
    parameters: dict[str, Floats]
    _engine: WritingEngine

    def beam_search(
        self,
        prompt: str | Sequence[str] = "",
        *,
        constraint: ConstraintLike = None,
        unknown: Unknown = "error",
        context: Context | None = None,
        source: str | Sequence[str] | None = None,
        **options: Unpack[BeamKeywords],
    ) -> list[FoundText]:
        """Find the best continuations of one prompt or several, by the model's own probabilities.

        Args:
            prompt: What to go on from; "" starts from nothing. Each is searched as if it were alone.
            constraint: What every text must be; several hold all at once. None for anything.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            context: What is known of the texts; None for nothing. See `given`.
            source: What the texts are the answer to, for a model of pairs; of several, each is searched
                for on its own, with all prompts.
            **options: How to search: any field of `unspool.generation.search.search_options.BeamOptions`.

        Returns:
            At most n texts of the first prompt, the best first, then those of the second, and so on. Fewer
            where there are fewer, or the beams have met fewer.

        Raises:
            ConfigError: If a value is out of its range, or a prompt cannot be finished under the constraint.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.
        """
        if context is not None or source is not None:
            sources = [source] if source is None or isinstance(source, str) else source
            models = [self.given(context, source=text, unknown=unknown) for text in sources]
            answers = (
                one.beam_search(prompt, constraint=constraint, unknown=unknown, **options) for one in models
            )
            return [text for texts in answers for text in texts]
        chosen = beam_options(options)
        ok = isinstance(prompt, str) or (isinstance(prompt, Iterable) and not isinstance(prompt, bytes))
        check("prompt", prompt, "a string or a list of strings", ok)
        encoded = [self._read(text, unknown) for text in ([prompt] if isinstance(prompt, str) else prompt)]
        automaton, guides = self._guides(constraint, encoded, chosen.max_new_tokens)
        network = self._searched(chosen.num_beams * len(encoded))
        found = search_beams(network, encoded, chosen, automaton=automaton, guides=guides)
        return [
            self._found(ids, outcome)
            for ids, outcomes in zip(encoded, found, strict=True)
            for outcome in outcomes
        ]

    def enumerate(
        self,
        prompt: str = "",
        *,
        constraint: ConstraintLike = None,
        unknown: Unknown = "error",
        context: Context | None = None,
        **options: Unpack[EnumerationKeywords],
    ) -> Enumeration:
        """Give every continuation that is at least so probable, the most probable first.

        They are the texts that `generate` may draw at temperature 1, each once, with its probability;
        together they have probability 1. Texts that are equally probable come in an order that is the same
        each time.

        Args:
            prompt: What to go on from; "" starts from nothing.
            constraint: What every text must be; several hold all at once. None for anything.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            context: What is known of the texts; None for nothing. See `given`.
            **options: Which texts: any field of `EnumerationOptions` in
                `unspool.generation.search.search_options`, above all min_probability or limit.

        Returns:
            An iterator, which also tells how much probability the texts so far cover and how much remains.

        Raises:
            ConfigError: If a value is out of its range, or the prompt cannot be finished under the
                constraint; from the iterator, if the search needs more memory than it may have.
            UnknownSymbolError: If the prompt has a symbol that the model does not know.
        """
        if context is not None:
            return self.given(context).enumerate(prompt, constraint=constraint, unknown=unknown, **options)
        chosen = enumeration_options(options)
        ids = self._read(prompt, unknown)
        automaton, (guide,) = self._guides(constraint, [ids], chosen.max_new_tokens)
        search = OutcomeSearch(self._searched(READ_AT_ONCE), ids, chosen, automaton=automaton, guide=guide)
        return Enumeration(search, lambda outcome: self._found(ids, outcome))

    def _read(self, prompt: str, unknown: Unknown) -> NDArray[np.int32]:
        check("prompt", prompt, "a string", isinstance(prompt, str))
        return self.tokenizer.encode(prompt, unknown=unknown)

    def _searched(self, lanes: int) -> Searched:
        forward = self._engine.forward(self.parameters, lanes=lanes)
        fresh = partial(self._engine.initial_state, parameters=self.parameters)
        return Searched(forward, fresh, self.tokenizer.eos_id)

    def _guides(
        self, constraint: ConstraintLike, prompts: list[NDArray[np.int32]], longest: int
    ) -> tuple[TokenAutomaton | None, list[int]]:
        """Compile a constraint, and tell where each prompt stands in it."""
        if constraint is None or not prompts:
            return None, [0] * len(prompts)
        from unspool.generation.constraints.guides import make_guide  # noqa: PLC0415 - seldom needed

        guide = make_guide(constraint, self.tokenizer, prompts, max_new_tokens=longest)
        return guide.automaton, guide.starts.tolist()

    def _found(self, prompt: NDArray[np.int32], outcome: Outcome) -> FoundText:
        read, written = self.tokenizer.decode(prompt), self.tokenizer.decode(outcome.ids)
        return FoundText.told(outcome, prompt=read, continuation=written)
