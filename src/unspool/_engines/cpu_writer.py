"""The writer of the native kernels, which converts a request to numbers and arrays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unspool._engines.protocol import Parameters
from unspool._engines.recent_symbols import split_state
from unspool._generation.automata.automaton import TokenAutomaton
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.penalties import PENALTIES
from unspool._generation.written import TokenReport, Written
from unspool._kernels.counts import CountTable
from unspool._kernels.network import NativeNetwork
from unspool._kernels.writer import Automaton, NativeWriter, Stage
from unspool._network.conditions import fresh_state, with_context
from unspool._network.config import NetworkConfig


class CpuWriter:
    """The sequences that the native kernels write together; see `unspool._generation.writer.Writer`.

    Args:
        config: The network.
        network: The native network.
        parameters: The parameters of the network, with an output kernel. They are not copied, and must not
            change while the writer is in use.
        counts: What a table of counts adds to the logits, or None.
    """

    def __init__(
        self,
        config: NetworkConfig,
        network: NativeNetwork,
        parameters: Parameters,
        counts: CountTable | None = None,
    ) -> None:
        self._config, self._parameters, self._counts = config, parameters, counts
        self._native = NativeWriter(network, parameters)

    def __len__(self) -> int:
        return len(self._native)

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        """Add sequences that share their options."""
        config, options, states = self._config, request.options, request.states
        eos, guide, stop = config.symbols - 1, request.guide, request.stop
        request.check_ids(config.symbols)
        fresh = states is None
        recent = None
        if states is not None:
            states, recent = split_state(states, config)
        if states is None and config.start_size is not None:
            states = fresh_state(config, self._parameters, 1)
        begin = np.array([eos] if fresh else [], dtype=np.int32)
        different = {id(prompt): prompt for prompt in request.prompts}  # many texts share one prompt
        prompts = {key: np.concatenate([begin, ids]).astype(np.int32) for key, ids in different.items()}
        return self._native.add(
            prompts=[prompts[id(prompt)] for prompt in request.prompts],
            keys=request.keys,
            start=None if states is None else states.transpose(2, 0, 1, 3).astype(np.float32, order="C"),
            from_state=not fresh,
            guide=None if guide is None else _arrays(guide.automaton),
            guide_states=None if guide is None else guide.starts.astype(np.int32),
            stop=None if stop is None else _arrays(stop),
            penalties=_stages(options, PENALTIES),
            samplers=_stages(options, options.sampler_names),
            penalty_last=options.penalty_last_n,
            alternatives=options.logprobs,
            echo=options.echo,
            max_new_tokens=options.max_new_tokens,
            end_id=eos,
            first_bias=None
            if request.context is None
            else with_context(self._parameters, config, request.context)[0]["layers.0.bias"],
            counts=self._counts,
            recent=recent,
            whole=whole,
        )

    def advance(self, steps: int, *, whole: bool = False, spared: int = 0) -> Written:
        """Advance every sequence by some steps."""
        news = self._native.advance(steps, whole=whole, spared=spared)
        fields: dict[str, Any] = {
            name: TokenReport(**value) if isinstance(value, dict) else value for name, value in news.items()
        }
        return Written(**fields)

    def remove(self, sequence: int) -> bool:
        """Remove a sequence; return whether it was there."""
        return self._native.remove(sequence)


def _stages(options: GenerationOptions, names: Iterable[str]) -> list[Stage]:
    """Return the penalties or samplers that the options turn on, each with its numbers."""
    return [(name, _numbers(options, name)) for name in names if options.turns_on(name)]


def _numbers(options: GenerationOptions, name: str) -> Sequence[float]:
    if name == "temperature":
        return (options.temperature_steps or options.max_new_tokens, *options.temperatures)
    return [number for value in options.stage_values(name) for number in _flat(value)]


def _flat(value: Any) -> Iterator[float]:
    """Yield the numbers of a value: pairs in a row, ids after their count, 0 for None."""
    if isinstance(value, Mapping):
        for pair in value.items():
            yield from pair
    elif isinstance(value, tuple):
        for ids in value:
            yield from (len(ids), *ids)
    else:
        yield value or 0


def _arrays(automaton: TokenAutomaton) -> Automaton:
    return Automaton(
        classes=np.ascontiguousarray(automaton.classes, dtype=np.int32),
        transitions=np.ascontiguousarray(automaton.transitions, dtype=np.int32),
        distance=np.ascontiguousarray(automaton.distance, dtype=np.int32),
        start=automaton.start,
    )
