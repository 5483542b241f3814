"""The request of a user, converted from texts to ids."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unspool._configuration import check, is_whole
from unspool._errors import ConfigError, UnknownSymbolError
from unspool._generation.automata.automaton import Guide
from unspool._generation.automata.joint_guide import at_least, joint_guide
from unspool._generation.automata.kept import KeptAutomata
from unspool._generation.automata.phrases import PhraseAutomaton, phrase_automaton
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import OF_TEXTS, GenerationOptions
from unspool._generation.sampling.random import fresh_seed
from unspool._generation.states import State, stacked_states
from unspool._kernels.arrays import Ids
from unspool._text.tokenizers.registry import Tokenizer

KEPT: KeptAutomata[PhraseAutomaton] = KeptAutomata()
StateLike = State | ArrayLike
StatesLike = StateLike | Sequence[StateLike] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """The request of a user, each prompt once.

    Args:
        options: The options of the user, with a seed.
        prompts: The tokens of each prompt.
        in_ids: The request to an engine. Its prompts begin with `<eos>` if their state has not read one yet.
        constrained: Whether texts must meet a constraint.
    """

    options: GenerationOptions
    prompts: list[Ids]
    in_ids: EngineRequest
    constrained: bool

    def of_prompt(self, number: int) -> "Request":
        """Return the request for one prompt, by its number from 0."""
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
    """Make the request for some prompts.

    Args:
        tokenizer: The tokenizer of the model.
        prompts: The tokens of each prompt.
        options: The options of the user.
        state_shape: (L, S, H) of the network.
        state: The state before the prompts: one for all, or one for each. A single prompt may have several. A
            `State` is the state after a text; an array is the state before `<eos>` is read.
        guide: A constraint, with its state after each prompt.

    Raises:
        ConfigError: If an option does not fit the vocabulary, or options, states and prompts do not fit
            together.
    """
    allowed = "left out with a constraint: the constraint decides where a text ends"
    for name in ("stop", "ignore_eos"):
        check(name, getattr(options, name), allowed, guide is None or not getattr(options, name))
    resolved = replace(
        options,
        seed=fresh_seed() if options.seed is None else options.seed,
        stop=_normalized(tokenizer, options.stop),
        bad_words=_normalized(tokenizer, options.bad_words),
    )
    several, states, eos = list(prompts), None, [np.empty(0, np.int32)] * len(prompts)
    if state is not None:
        several, initial = _paired(several, _several_states(state))
        if guide is not None and len(several) > len(prompts):
            guide = guide.repeated(len(several))
        as_states = [one if isinstance(one, State) else State(np.asarray(one)) for one in initial]
        states = stacked_states(as_states, state_shape)
        eos = [np.full(int(not isinstance(one, State)), tokenizer.eos_id, dtype=np.int32) for one in initial]
    unsaid: Any = OF_TEXTS
    in_ids = EngineRequest(
        [np.concatenate([first, ids]) for first, ids in zip(eos, several, strict=True)],
        replace(
            resolved,
            logit_bias=_biases(tokenizer, options),
            dry_sequence_breakers=_breakers(tokenizer, options),
            **unsaid,
        ).without(None if options.allow_unk else tokenizer.unk_id),
        states=states,
        guide=_joint(tokenizer, resolved, several, guide),
        stop=_phrases(tokenizer, tuple(resolved.stop), "stop").automaton if resolved.stop else None,
    )
    return Request(options=resolved, prompts=several, in_ids=in_ids, constrained=guide is not None)


def _normalized(tokenizer: Tokenizer, strings: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(map(tokenizer.normalize, strings)) if strings else None


def _joint(
    tokenizer: Tokenizer, options: GenerationOptions, prompts: list[Ids], guide: Guide | None
) -> Guide | None:
    """Return one guide for a constraint, the bad words, and the least length of a guided text; or None."""
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


def _phrases(tokenizer: Tokenizer, phrases: tuple[str, ...], name: str) -> PhraseAutomaton:
    def compiled() -> PhraseAutomaton:
        return phrase_automaton(tuple(map(tokenizer.letters, phrases)), tokenizer.spellings, name=name)

    return KEPT.get((tokenizer, phrases, name), compiled)


def _biases(tokenizer: Tokenizer, options: GenerationOptions) -> dict[str | int, float] | None:
    """Return the biases by id.

    Raises:
        ConfigError: If a string is not a symbol of the model, an id is outside the vocabulary, or a token has
            two biases.
    """
    if not options.logit_bias:
        return None
    biases: dict[str | int, float] = {}
    for key, bias in options.logit_bias.items():
        token = _token(tokenizer, key)
        may_come = options.allow_unk or token != tokenizer.unk_id
        check("logit_bias", key, "symbols that may be drawn: <unk> needs allow_unk", may_come)
        check("logit_bias", key, "a list with each symbol once", token not in biases)
        biases[token] = bias
    return biases


def _breakers(tokenizer: Tokenizer, options: GenerationOptions) -> tuple[tuple[int, ...], ...]:
    """Return the breakers in ids: the tokens whose symbol contains a string, and the tokens of the string."""
    breakers: list[tuple[int, ...]] = []
    for breaker in options.dry_sequence_breakers or ():
        if not isinstance(breaker, str):
            breakers.append(tuple(map(int, breaker)))
            continue
        letters = tokenizer.letters(tokenizer.normalize(breaker))
        breakers += [(i,) for i, spelling in enumerate(tokenizer.spellings) if letters in spelling]
        with suppress(UnknownSymbolError):  # such a string never appears
            breakers.append(tuple(tokenizer.encode(breaker).tolist()))
    return tuple(dict.fromkeys(ids for ids in breakers if ids != (tokenizer.unk_id,)))


def _token(tokenizer: Tokenizer, key: str | int) -> int:
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
    """Return a list of states, from one state or several."""
    if isinstance(state, State):
        return [state]
    if isinstance(state, (list, tuple)) and all(
        isinstance(one, State) or (isinstance(one, np.ndarray) and one.ndim == 3) for one in state
    ):
        check("state", state, "at least one state", len(state) > 0)
        return list(state)
    if isinstance(state, np.ndarray) and state.ndim == 4:
        return list(state)
    return [state]  # type: ignore[list-item]  # State checks it


def _paired(prompts: list[Ids], states: list[StateLike]) -> tuple[list[Ids], list[StateLike]]:
    """Return prompts and states of the same number; a single prompt or state is repeated."""
    count = max(len(prompts), len(states))
    if len(prompts) not in (1, count) or len(states) not in (1, count):
        expected = f"a single state, or one for each of the {len(prompts)} prompts"
        raise ConfigError("state", expected=expected, got=str(len(states)))
    return prompts * (count // len(prompts)), states * (count // len(states))
