"""What is asked of an engine: prompts, options and states, of which users speak in texts, in symbols."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool.configuration import check, is_whole
from unspool.errors import ConfigError, UnknownSymbolError
from unspool.generation.automata.automaton import Guide
from unspool.generation.automata.joint_guide import at_least, joint_guide
from unspool.generation.automata.phrases import PhraseAutomaton, phrase_automaton
from unspool.generation.engine import EngineRequest
from unspool.generation.options.generation_options import OF_TEXTS, GenerationOptions
from unspool.generation.sampling.random import fresh_seed
from unspool.generation.states import State, stacked_states
from unspool.text.tokenizers.registry import Tokenizer

Ids = NDArray[np.int32]
StateLike = State | ArrayLike
StatesLike = StateLike | Sequence[StateLike] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What a user asks for, each prompt once.

    Args:
        asked: The options in the user's words, the seed drawn.
        prompts: Symbols of each prompt.
        in_ids: What an engine is asked. After a state that has read nothing yet, its prompts have `<eos>`
            first.
        constrained: Whether texts must meet a constraint.
    """

    asked: GenerationOptions
    prompts: list[Ids]
    in_ids: EngineRequest
    constrained: bool

    def of_prompt(self, number: int) -> "Request":
        """Return the request for one prompt alone, counted from 0."""
        in_ids = self.in_ids.part(number, number + 1)
        return replace(self, prompts=[self.prompts[number]], in_ids=in_ids)


def make_request(
    tokenizer: Tokenizer,
    prompts: Sequence[Ids],
    options: GenerationOptions,
    *,
    state_shape: tuple[int, int, int],
    state: StatesLike = None,
    guide: Guide | None = None,
) -> Request:
    """Say in symbols what is asked for.

    Args:
        tokenizer: Of the model.
        prompts: Symbols of each prompt.
        options: In the user's words.
        state_shape: (L, S, H) of the network.
        state: What the prompts go on from, the same for all or one for each; a single prompt may go on from
            several. A `State` has read a text; an array is what the network has before it reads `<eos>`.
        guide: A constraint, and where each prompt stands in it.

    Raises:
        ConfigError: If something cannot be said in this vocabulary, or does not fit together.
    """
    allowed = "left out with a constraint: the constraint decides where a text ends"
    for name in ("stop", "ignore_eos"):
        check(name, getattr(options, name), allowed, guide is None or not getattr(options, name))
    asked = replace(
        options,
        seed=fresh_seed() if options.seed is None else options.seed,
        stop=_normalized(tokenizer, options.stop),
        bad_words=_normalized(tokenizer, options.bad_words),
    )
    several, states, eos = list(prompts), None, [np.empty(0, np.int32)] * len(prompts)
    if state is not None:
        several, given = _paired(several, _several_states(state))
        if guide is not None and len(several) > len(prompts):
            guide = guide.repeated(len(several))
        held = [one if isinstance(one, State) else State(np.asarray(one)) for one in given]
        states = stacked_states(held, state_shape)
        eos = [np.full(int(not isinstance(one, State)), tokenizer.eos_id, dtype=np.int32) for one in given]
    unsaid: Any = dict.fromkeys(OF_TEXTS)
    in_ids = EngineRequest(
        [np.concatenate([first, ids]) for first, ids in zip(eos, several, strict=True)],
        replace(
            asked,
            logit_bias=_biases(tokenizer, options),
            dry_sequence_breakers=_breakers(tokenizer, options),
            **unsaid,
        ),
        states=states,
        guide=_joint(tokenizer, asked, several, guide),
        stop=_phrases(tokenizer, asked.stop, "stop").automaton if asked.stop else None,
    )
    return Request(asked=asked, prompts=several, in_ids=in_ids, constrained=guide is not None)


def _normalized(tokenizer: Tokenizer, strings: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(map(tokenizer.normalize, strings)) if strings else None


def _joint(
    tokenizer: Tokenizer, options: GenerationOptions, prompts: list[Ids], guide: Guide | None
) -> Guide | None:
    """Make one guide of a constraint, bad words and, where there are such, the least length."""
    guides = [] if guide is None else [guide]
    if options.bad_words:
        phrases = _phrases(tokenizer, tuple(options.bad_words), "bad_words")
        starts = [phrases.after(tokenizer.letters(tokenizer.decode(ids))) for ids in prompts]
        guides.append(Guide(phrases.automaton, np.array(starts, dtype=np.int32)))
    if guides and options.min_tokens:
        automaton = at_least(options.min_tokens, tokenizer.vocab_size)
        guides.append(Guide(automaton, np.zeros(len(prompts), dtype=np.int32)))
    if not guides:
        return None
    joint = joint_guide(guides)
    needed = int(joint.automaton.distance[joint.starts].max(initial=0))
    allowed = f"at least {needed}, the length of the shortest text that meets all conditions"
    check("max_new_tokens", options.max_new_tokens, allowed, needed <= options.max_new_tokens)
    return joint


@lru_cache(maxsize=16)
def _phrases(tokenizer: Tokenizer, phrases: tuple[str, ...], name: str) -> PhraseAutomaton:
    return phrase_automaton(tuple(map(tokenizer.letters, phrases)), tokenizer.spellings, name=name)


def _biases(tokenizer: Tokenizer, options: GenerationOptions) -> dict[str | int, float] | None:
    """Give biases by id.

    Raises:
        ConfigError: If a spelling is no symbol of the model, an id none of its ids, or both name one symbol.
    """
    if not options.logit_bias:
        return None
    biases: dict[str | int, float] = {}
    for key, bias in options.logit_bias.items():
        symbol = _symbol(tokenizer, key)
        check("logit_bias", key, "a list with each symbol once", symbol not in biases)
        biases[symbol] = bias
    return biases


def _breakers(tokenizer: Tokenizer, options: GenerationOptions) -> tuple[tuple[int, ...], ...]:
    """Give breakers by ids: each symbol that has the string, and those that it is spelled with."""
    found: list[tuple[int, ...]] = []
    for breaker in options.dry_sequence_breakers or ():
        if not isinstance(breaker, str):
            found.append(tuple(map(int, breaker)))
            continue
        letters = tokenizer.letters(tokenizer.normalize(breaker))
        found += [(i,) for i, spelling in enumerate(tokenizer.spellings) if letters in spelling]
        with suppress(UnknownSymbolError):  # such a string never comes up
            found.append(tuple(tokenizer.encode(breaker).tolist()))
    return tuple(dict.fromkeys(ids for ids in found if ids and ids != (tokenizer.unk_id,)))


def _symbol(tokenizer: Tokenizer, key: str | int) -> int:
    if isinstance(key, str):
        try:
            ids = tokenizer.encode(key)
        except UnknownSymbolError:
            ids = np.empty(0, np.int32)
        check("logit_bias", key, "single symbols of the model, or ids", len(ids) == 1)
        return int(ids[0])
    ok = is_whole(key, least=1) and key < tokenizer.vocab_size
    check("logit_bias", key, f"symbols, or ids from 1 to {tokenizer.vocab_size - 1}", ok)
    return int(key)


def _several_states(state: object) -> list[StateLike]:
    """Tell several states from one."""
    if isinstance(state, State):
        return [state]
    if isinstance(state, (list, tuple)) and all(
        isinstance(one, State) or (isinstance(one, np.ndarray) and one.ndim == 3) for one in state
    ):
        check("state", state, "at least one state", len(state) > 0)
        return list(state)
    if isinstance(state, np.ndarray) and state.ndim == 4:
        return list(state)
    return [state]  # type: ignore[list-item]  # State says what is wrong with it


def _paired(prompts: list[Ids], states: list[StateLike]) -> tuple[list[Ids], list[StateLike]]:
    """Give each prompt its state; a single one of either goes with all of the other."""
    count = max(len(prompts), len(states))
    if len(prompts) not in (1, count) or len(states) not in (1, count):
        expected = f"a single state, or one for each of the {len(prompts)} prompts"
        raise ConfigError("state", expected=expected, got=str(len(states)))
    return prompts * (count // len(prompts)), states * (count // len(states))
