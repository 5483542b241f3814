"""Searching a model for texts: the best ones by beams, or all that are probable enough."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from unspool._configuration import check
from unspool._generation.automata.automaton import TokenAutomaton
from unspool._generation.constraints.constraint import ConstraintLike
from unspool._generation.search.beams import search_beams
from unspool._generation.search.enumeration import READ_AT_ONCE, OutcomeSearch
from unspool._generation.search.forward import Searched
from unspool._generation.search.search_options import (
    BeamKeywords,
    EnumerationKeywords,
    beam_options,
    enumeration_options,
)
from unspool._generation.search.texts import Enumeration, FoundText
from unspool._generation.search.tree import Outcome
from unspool._kernels.arrays import Ids
from unspool._model.parts import ModelParts, unusual_options
from unspool._model.writing import guide_of
from unspool._text.tokenizers.unknown import Unknown


def beam_search(
    parts: ModelParts,
    prompt: str | Sequence[str],
    keywords: BeamKeywords,
    *,
    constraint: ConstraintLike,
    unknown: Unknown,
) -> list[FoundText]:
    """Find the best continuations of each prompt; see `Generator.beam_search`."""
    options = beam_options(_own_options(parts) | keywords)
    ok = isinstance(prompt, str) or (isinstance(prompt, Iterable) and not isinstance(prompt, bytes))
    check("prompt", prompt, "a string or a list of strings", ok)
    prompts = [_encoded(parts, text, unknown) for text in ([prompt] if isinstance(prompt, str) else prompt)]
    automaton, starts = _automaton(parts, constraint, prompts, options.max_new_tokens)
    network = _searched(parts, options.num_beams * len(prompts), allow_unk=options.allow_unk)
    found = search_beams(network, prompts, options, automaton=automaton, guides=starts)
    return [
        _text(parts, ids, outcome)
        for ids, outcomes in zip(prompts, found, strict=True)
        for outcome in outcomes
    ]


def enumerate_texts(
    parts: ModelParts,
    prompt: str,
    keywords: EnumerationKeywords,
    *,
    constraint: ConstraintLike,
    unknown: Unknown,
) -> Enumeration:
    """Find every continuation that is probable enough; see `Generator.enumerate`."""
    options = enumeration_options(_own_options(parts) | keywords)
    ids = _encoded(parts, prompt, unknown)
    automaton, (start,) = _automaton(parts, constraint, [ids], options.max_new_tokens)
    network = _searched(parts, READ_AT_ONCE, allow_unk=options.allow_unk)
    search = OutcomeSearch(network, ids, options, automaton=automaton, guide=start)
    return Enumeration(search, lambda outcome: _text(parts, ids, outcome))


def _own_options(parts: ModelParts) -> Any:
    """Return, as keywords of either search, what the model's generation_config.json says of it."""
    own = unusual_options(parts)
    return {name: own[name] for name in ("max_new_tokens", "allow_unk") if name in own}


def _encoded(parts: ModelParts, prompt: str, unknown: Unknown) -> Ids:
    check("prompt", prompt, "a string", isinstance(prompt, str))
    return parts.tokenizer.encode(prompt, unknown=unknown)


def _searched(parts: ModelParts, lanes: int, *, allow_unk: bool) -> Searched:
    forward = parts.runner.forward(parts.parameters, lanes=lanes)
    fresh = partial(parts.runner.initial_state, parameters=parts.parameters)
    forbidden = None if allow_unk else parts.tokenizer.unk_id
    return Searched(forward, fresh, parts.tokenizer.eos_id, forbidden)


def _automaton(
    parts: ModelParts, constraint: ConstraintLike, prompts: list[Ids], longest: int
) -> tuple[TokenAutomaton | None, list[int]]:
    """Return the automaton of a constraint, and where each prompt stands in it."""
    guide = guide_of(parts, constraint, prompts, longest)
    return (None, [0] * len(prompts)) if guide is None else (guide.automaton, guide.starts.tolist())


def _text(parts: ModelParts, prompt: Ids, outcome: Outcome) -> FoundText:
    read, written = parts.tokenizer.decode(prompt), parts.tokenizer.decode(outcome.ids)
    return FoundText.told(outcome, prompt=read, continuation=written)
