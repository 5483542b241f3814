"""A plain and slow writer on top of an engine's `forward`, one sequence and one token at a time.

It is the writer of engines without a native one, and the reference for the tests of the native writer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Floats, Parameters, StateArray
from unspool._engines.state_logits import logits_of
from unspool._errors import NetworkError
from unspool._generation.automata.automaton import DEAD
from unspool._generation.engine_request import EngineRequest
from unspool._generation.sampling.draw import log_softmax, most_probable, next_token
from unspool._generation.sampling.random import uniform
from unspool._generation.search.forward import Forward
from unspool._generation.written import FINISH, TokenReport, Written
from unspool._network.conditions import with_context
from unspool._network.config import NetworkConfig

CODES: dict[str | None, int] = {None: -1, **{name: code for code, name in enumerate(FINISH)}}


class ReferenceWriter:
    """The sequences that are written step by step; see `unspool._generation.writer.Writer`.

    Args:
        engine: The engine, which computes the logits.
        parameters: The parameters of the network.
    """

    def __init__(self, engine: Engine, parameters: Parameters) -> None:
        self._engine, self._parameters = engine, parameters
        self._forward = engine.forward(parameters, lanes=1)
        self._sequences: dict[int, _Sequence] = {}
        self._added = 0

    def __len__(self) -> int:
        return len(self._sequences)

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        """Add sequences that share their options."""
        request.check_ids(self._engine.config.symbols)
        ids = range(self._added, self._added + len(request.prompts))
        self._added = ids.stop
        for i, sequence in enumerate(ids):
            self._sequences[sequence] = self._begin(request.part(i, i + 1), whole)
        return ids

    def _begin(self, request: EngineRequest, whole: bool) -> "_Sequence":
        config, parameters, forward = self._engine.config, self._parameters, self._forward
        if request.context is not None:
            parameters, _ = with_context(parameters, config, request.context)
            forward = self._engine.forward(parameters, lanes=1)
        fresh, eos = request.states is None, config.symbols - 1
        state = self._engine.initial_state(1, parameters) if request.states is None else request.states
        logits = None if fresh else self.first_logits(config, parameters, state)
        return _Sequence(
            request, forward, state, eos, input=eos if fresh else None, logits=logits, whole=whole
        )

    def advance(self, steps: int, *, whole: bool = False, spared: int = 0) -> Written:
        """Advance every sequence by some steps, always on the calling thread."""
        for sequence in self._sequences.values():
            for _ in range(steps):
                if sequence.finish is not None:
                    break
                sequence.step()
        news = {
            i: one
            for i, one in self._sequences.items()
            if one.finish or (not whole and not one.whole and (one.drawn or one.echo))
        }
        self._sequences = {i: one for i, one in self._sequences.items() if one.finish is None}
        options = [one.request.options for one in news.values()]
        return Written(
            ids=np.array(list(news), np.int64),
            finish=np.array([CODES[one.finish] for one in news.values()], np.int32),
            widths=np.array([option.logprobs or 0 for option in options], np.int32),
            guided=np.array([one.request.guide is not None for one in news.values()], bool),
            echoed=np.array([option.echo for option in options], bool),
            drawn=_packed([_taken(one.drawn) for one in news.values()]),
            echo=_packed([_taken(one.echo) for one in news.values()]),
        )

    def remove(self, sequence: int) -> bool:
        """Remove a sequence; return whether it was there."""
        return self._sequences.pop(sequence, None) is not None

    def first_logits(self, config: NetworkConfig, parameters: Parameters, state: StateArray) -> Floats:
        """Compute the logits (V,) of a state (L, S, 1, H) without reading another token."""
        return logits_of(config, parameters, state)


@dataclass(frozen=True)
class _Place:
    """A token of a sequence, with its report."""

    token: int
    logprob: float
    constrained: float = 0.0
    alternatives: tuple[Sequence[int], Sequence[float]] = ((), ())


@dataclass
class _Sequence:
    """One text that is being written.

    Args:
        request: A request for this sequence alone.
        forward: Function that computes the logits.
        state: The state before `input` is read.  # (L, S, 1, H)
        eos: The id of `<eos>`.
        input: The token to read next; None if the first token is drawn from the state itself.
        logits: The logits of the first token, if it is drawn from the state itself.  # (V,)
        whole: Whether it is reported only once it has ended.
    """

    request: EngineRequest
    forward: Forward
    state: StateArray
    eos: int
    input: int | None
    logits: Floats | None
    whole: bool
    finish: str | None = None
    position: int = 0
    written: list[int] = field(default_factory=list)
    drawn: list[_Place] = field(default_factory=list)
    echo: list[_Place] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        guide, stop = self.request.guide, self.request.stop
        self.guide_state = 0 if guide is None else int(guide.starts[0])
        self.stop_state = 0 if stop is None else stop.start
        self.key, (self.prompt,) = self.request.keys[0], self.request.prompts

    def step(self) -> None:
        """Read a token of the prompt, or draw one."""
        try:
            if self.input is not None:
                rows, self.state = self.forward(np.array([[self.input]], np.int32), self.state)
                self.logits = rows[0, 0]
            logits: Any = self.logits
            if self.position < len(self.prompt):
                self._read(logits, int(self.prompt[self.position]))
            else:
                self._draw(logits)
        except NetworkError:
            self.finish = "overflow"

    def _read(self, logits: Floats, token: int) -> None:
        if self.request.options.echo:
            known = token < len(logits)  # an id without a logit is only read
            logprob = float(log_softmax(logits[None])[0, token]) if known else 0.0
            self.echo.append(_Place(token, logprob, alternatives=self._alternatives(logits)))
        self.input, self.position = token, self.position + 1

    def _draw(self, logits: Floats) -> None:
        options, guide, count = self.request.options, self.request.guide, len(self.written)
        allowed = None
        if guide is not None:
            allowed = guide.automaton.allowed(self.guide_state, options.max_new_tokens - count)
        prompt, written = self.prompt[self.prompt < self.eos], np.array(self.written, np.int32)
        random = uniform(self.key, count)
        token = next_token(
            logits,
            options,
            random,
            prompt=prompt,
            written=written,
            allowed=allowed,
            key=self.key,
            memory=self.memory,
        )
        if token is None:
            self.finish = "blocked"
            return
        constrained = 0.0
        if allowed is not None:
            constrained = float(log_softmax(np.where(allowed, logits, -np.inf)[None])[0, token])
        logprob = float(log_softmax(logits[None])[0, token])
        self.drawn.append(_Place(token, logprob, constrained, self._alternatives(logits)))
        self.input = token
        if token == self.eos:
            self.finish = "end"
            return
        self.written.append(token)
        if guide is not None:
            self.guide_state = guide.automaton.walk([token], self.guide_state)
        if self._stops(token):
            self.finish = "stop"
        elif len(self.written) == options.max_new_tokens:
            self.finish = "length"

    def _stops(self, token: int) -> bool:
        """Advance the stop automaton; return whether it ends the text."""
        stop, guide = self.request.stop, self.request.guide
        if stop is None:
            return False
        self.stop_state = stop.walk([token], self.stop_state)
        if self.stop_state != DEAD:
            return False
        self.stop_state = stop.start
        accepted = guide is None or guide.automaton.distance[self.guide_state] == 0
        return bool(accepted) and len(self.written) >= self.request.options.min_tokens

    def _alternatives(self, logits: Floats) -> tuple[list[int], list[float]]:
        if self.request.options.logprobs is None:
            return [], []
        best = most_probable(logits[None], self.request.options.logprobs)
        return best.ids[0].tolist(), best.logprobs[0].tolist()


def _taken(places: list[_Place]) -> list[_Place]:
    """Return the places of a list, and empty the list."""
    taken = list(places)
    places.clear()
    return taken


def _packed(sequences: list[list[_Place]]) -> TokenReport:
    places = [place for sequence in sequences for place in sequence]

    def floats(values: list[float]) -> NDArray[np.float32]:
        return np.array(values, np.float32)

    return TokenReport(
        offsets=np.cumsum([0, *map(len, sequences)], dtype=np.int64),
        tokens=np.array([place.token for place in places], np.int32),
        logprobs=floats([place.logprob for place in places]),
        constrained=floats([place.constrained for place in places]),
        alternatives=np.array([token for place in places for token in place.alternatives[0]], np.int32),
        alternative_logprobs=floats([value for place in places for value in place.alternatives[1]]),
    )
