"""Generation written out with an engine's `logits`, one symbol at a time.

Slow and plain: what an engine without a loop of its own uses, and what the native loop is tested against.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Floats, Parameters, StateArray, finite_logits
from unspool.generation.automata.automaton import DEAD
from unspool.generation.engine import EngineRequest
from unspool.generation.generated_ids import Alternatives, GeneratedIds
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.sampling.draw import log_softmax, most_probable, next_token
from unspool.generation.sampling.random import uniform
from unspool.network.config import NetworkConfig
from unspool.network.parameters import output_kernel

Ids = NDArray[np.integer[Any]]


def stream_by_steps(engine: Engine, parameters: Parameters, request: EngineRequest) -> Iterator[GeneratedIds]:
    """Yield one piece for each symbol drawn after the prompt; see `unspool.generation.engine`."""
    request.check_ids(engine.config.symbols)
    return _stream(_Reader(engine, parameters, request), request)


class _Reader:
    """Read a prompt and then symbol by symbol, and keep the logits that follow.

    Attributes:
        prompt: The prompt.
        logits: What may come next.  # (V,)
        passed: What might have come at each place of the prompt.  # (P, V)
    """

    def __init__(self, engine: Engine, parameters: Parameters, request: EngineRequest) -> None:
        self._engine, self._parameters, states = engine, parameters, request.states
        (self.prompt,) = request.prompts
        self._state = engine.initial_state(1, parameters) if states is None else states
        eos = [engine.config.symbols - 1] if states is None else []
        ids = np.concatenate([eos, self.prompt]).astype(np.int32)
        rows = self._read(ids) if len(ids) else np.empty((0, engine.config.symbols))
        if states is not None:
            rows = np.concatenate([logits_of(engine.config, parameters, states)[None], rows])
        self.passed, self.logits = rows[:-1], rows[-1]

    def _read(self, ids: Ids) -> Floats:
        rows, self._state = self._engine.logits(self._parameters, ids[:, None], self._state)
        return rows[:, 0]  # (T, V)

    def read(self, token: int) -> None:
        """Read one more symbol."""
        self.logits = self._read(np.array([token], dtype=np.int32))[-1]


def _stream(reader: _Reader, request: EngineRequest) -> Iterator[GeneratedIds]:
    options, guide, stop, key = request.options, request.guide, request.stop, request.keys[0]
    eos, most = len(reader.logits) - 1, options.max_new_tokens
    prompt, written = reader.prompt[reader.prompt < eos], np.empty(0, dtype=np.int32)
    at = None if guide is None else int(guide.starts[0])
    stopping = 0 if stop is None else stop.start
    reason, echo = None, _echoed(reader, options)
    while reason is None:
        count = len(written)
        allowed = None if guide is None or at is None else guide.automaton.allowed(at, most - count)
        random = uniform(key, count)
        token = next_token(reader.logits, options, random, prompt=prompt, written=written, allowed=allowed)
        if token is None or token == eos:
            reason = "blocked" if token is None else "stop"
        else:
            written = np.append(written, np.int32(token))
            reason = "length" if len(written) == most else None
            at = None if guide is None else guide.automaton.walk([token], at)
        if stop is not None and reason in (None, "length"):
            stopping = stop.walk(written[-1:], stopping)
            accepted = guide is None or at is None or guide.automaton.distance[at] == 0
            if stopping == DEAD and accepted and len(written) >= options.min_tokens:
                reason = "stop"
            stopping = stop.start if stopping == DEAD else stopping
        piece = _drawn(token, reader.logits, allowed, options)
        yield replace(piece, finish_reason=reason, **echo)
        echo = {}
        if token is not None and reason is None:
            reader.read(token)


def _drawn(
    token: int | None, logits: Floats, allowed: NDArray[np.bool_] | None, options: GenerationOptions
) -> GeneratedIds:
    """Tell about one place: what was drawn there, None for nothing, and how probable it was."""
    tokens = np.array([] if token is None else [token], dtype=np.int32)
    rows = np.repeat(logits[None], len(tokens), axis=0)  # (0 or 1, V)
    constrained = None
    if allowed is not None:
        constrained = log_softmax(np.where(allowed, rows, -np.inf))[:, tokens].reshape(-1).astype(np.float32)
    return GeneratedIds(
        ids=tokens[tokens < len(logits) - 1],
        logprobs=log_softmax(rows)[:, tokens].reshape(-1).astype(np.float32),
        finish_reason=None,
        constrained_logprobs=constrained,
        alternatives=_alternatives(rows, options),
    )


def _echoed(reader: _Reader, options: GenerationOptions) -> dict[str, Any]:
    """Tell about the prompt's places, where the options ask for it."""
    if not options.echo:
        return {}
    known = reader.prompt < reader.logits.shape[0]  # not what is only ever read
    logprobs = np.zeros(len(reader.prompt), dtype=np.float32)
    rows = log_softmax(reader.passed[known])
    logprobs[known] = np.take_along_axis(rows, reader.prompt[known, None].astype(np.int64), axis=1)[:, 0]
    return {"prompt_logprobs": logprobs, "prompt_alternatives": _alternatives(reader.passed, options)}


def _alternatives(rows: Floats, options: GenerationOptions) -> Alternatives | None:
    return None if options.logprobs is None else most_probable(rows, options.logprobs)


def logits_of(config: NetworkConfig, parameters: Parameters, state: StateArray) -> Floats:
    """Give the logits (V,) that follow a state (L, S, 1, H) without another symbol being read."""
    top = state[:, 0, 0].sum(axis=0) if config.residual else state[-1, 0, 0]  # (H,)
    logits: Floats = top @ output_kernel(parameters) + parameters["output.bias"]
    logits[0] = -np.inf
    return finite_logits(logits)


def generate_by_steps(engine: Engine, parameters: Parameters, request: EngineRequest) -> list[GeneratedIds]:
    """Continue every prompt, one after the other; see `unspool.generation.engine`."""
    request.check_ids(engine.config.symbols)
    parts = (request.part(i, i + 1) for i in range(len(request.prompts)))
    return [joined(list(stream_by_steps(engine, parameters, part))) for part in parts]


def joined(pieces: Sequence[GeneratedIds]) -> GeneratedIds:
    """Put the pieces of one stream together."""
    constrained = [piece.constrained_logprobs for piece in pieces if piece.constrained_logprobs is not None]
    others = [piece.alternatives for piece in pieces if piece.alternatives is not None]
    return replace(
        pieces[0],
        ids=np.concatenate([piece.ids for piece in pieces]),
        logprobs=np.concatenate([piece.logprobs for piece in pieces]),
        finish_reason=pieces[-1].finish_reason,
        constrained_logprobs=np.concatenate(constrained) if constrained else None,
        alternatives=Alternatives(
            ids=np.concatenate([other.ids for other in others]),
            logprobs=np.concatenate([other.logprobs for other in others]),
        )
        if others
        else None,
    )
