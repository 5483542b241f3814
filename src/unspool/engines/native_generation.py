"""What the native loop is told of prompts, options and automata, and what is made of its answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import StateArray
from unspool.generation.automata.automaton import TokenAutomaton
from unspool.generation.engine import EngineRequest
from unspool.generation.generated_ids import Alternatives, GeneratedIds
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.sampling.penalties import PENALTIES
from unspool.kernels.generation import Automaton, Decoding, Drawn, Sequences, Stage, TokenReport
from unspool.network.config import NetworkConfig

Ids = NDArray[np.int32]
FINISH_REASONS = {"end": "stop", "stop": "stop", "blocked": "blocked"}


def decoding_of(request: EngineRequest) -> Decoding:
    """Say in numbers and arrays how symbols are drawn."""
    options, guide, stop = request.options, request.guide, request.stop
    return Decoding(
        penalties=_stages(options, PENALTIES),
        samplers=_stages(options, options.sampler_names),
        penalty_last=options.penalty_last_n,
        alternatives=options.logprobs,
        guide=None if guide is None else _arrays(guide.automaton),
        stop=None if stop is None else _arrays(stop),
    )


def _stages(options: GenerationOptions, names: Iterable[str]) -> list[Stage]:
    """Return those of the penalties or samplers that the options turn on, each with its numbers."""
    return [(name, _numbers(options, name)) for name in names if options.turns_on(name)]


def _numbers(options: GenerationOptions, name: str) -> Sequence[float]:
    value = getattr(options, name)
    if name == "temperature":
        return (options.temperature_steps or options.max_new_tokens, *options.temperatures)
    if isinstance(value, Mapping):
        return [number for pair in value.items() for number in pair]
    return (value,)


def _arrays(automaton: TokenAutomaton) -> Automaton:
    return Automaton(
        classes=np.ascontiguousarray(automaton.classes, dtype=np.int32),
        transitions=np.ascontiguousarray(automaton.transitions, dtype=np.int32),
        distance=np.ascontiguousarray(automaton.distance, dtype=np.int32),
        start=automaton.start,
    )


def begin_sequences(config: NetworkConfig, request: EngineRequest, *, fresh: StateArray) -> Sequences:
    """Return where sequences begin.

    Args:
        config: The network.
        request: What is to be written.
        fresh: The states of as many fresh starts.  # (L, S, N, H)
    """
    prompts, options, states = request.prompts, request.options, request.states
    eos, guide, stop = config.symbols - 1, request.guide, request.stop
    looks_back = any(map(options.turns_on, PENALTIES))
    start = np.array([eos] if states is None else [], dtype=np.int32)
    contexts = [prompt[prompt < eos].astype(np.int32) for prompt in prompts] if looks_back else None
    return Sequences(
        prompts=[np.concatenate([start, prompt]).astype(np.int32) for prompt in prompts],
        contexts=contexts,
        keys=request.keys,
        drawn=np.zeros(len(prompts), dtype=np.int64),
        state=(fresh if states is None else states).transpose(2, 0, 1, 3).astype(np.float32, order="C"),
        from_state=states is not None,
        guide_states=None if guide is None else guide.starts.astype(np.int32),
        stop_states=None if stop is None else np.full(len(prompts), stop.start, dtype=np.int32),
        max_new_tokens=options.max_new_tokens,
        limit=options.max_new_tokens,
        end_id=eos,
        echo=options.echo,
    )


def continued(call: Sequences, drawn: Drawn) -> Sequences:
    """Say how a single sequence goes on after a call that did not end it."""
    contexts = call.contexts and [np.concatenate([call.contexts[0], drawn.ids])]
    return replace(
        call,
        prompts=[drawn.ids[-1:]],  # it is not in the state yet
        contexts=contexts,
        drawn=call.drawn + len(drawn.ids),
        from_state=False,
        echo=False,
    )


def generated(call: Sequences, drawn: Sequence[Drawn]) -> list[GeneratedIds]:
    """Say what became of a call's sequences, in the terms of every engine."""
    unasked = 0 if call.from_state else 1  # the <eos> that the engine put in front is no symbol of the prompt
    last = call.limit - call.max_new_tokens
    return [
        _generated(one, unasked=unasked, last=before >= last)
        for one, before in zip(drawn, call.drawn.tolist(), strict=True)
    ]


def _generated(drawn: Drawn, *, unasked: int, last: bool) -> GeneratedIds:
    report, echo = drawn.report, drawn.echo
    return GeneratedIds(
        ids=drawn.ids[:-1] if drawn.reason == "end" else drawn.ids,
        logprobs=report.logprobs,
        finish_reason=FINISH_REASONS.get(drawn.reason, "length" if last else None),
        constrained_logprobs=report.constrained,
        alternatives=_alternatives(report, 0),
        prompt_logprobs=None if echo is None else echo.logprobs[unasked:],
        prompt_alternatives=None if echo is None else _alternatives(echo, unasked),
    )


def _alternatives(report: TokenReport, start: int) -> Alternatives | None:
    if report.alternatives is None or report.alternative_logprobs is None:
        return None
    return Alternatives(ids=report.alternatives[start:], logprobs=report.alternative_logprobs[start:])
