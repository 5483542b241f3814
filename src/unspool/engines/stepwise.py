"""Generation written out with an engine's `logits`, one symbol at a time.

Slow and plain: what an engine without a loop of its own uses, and what the native loop is tested against.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Parameters
from unspool.generation.options import GeneratedIds, GenerationOptions
from unspool.generation.random import fresh_seed, sequence_keys, uniform
from unspool.generation.sampling import log_softmax, next_token


def stream_by_steps(
    engine: Engine,
    parameters: Parameters,
    prompt: NDArray[np.int32],
    options: GenerationOptions,
    key: np.uint64,
) -> Iterator[GeneratedIds]:
    """Yield one piece for each symbol drawn after the prompt, from the random stream `key`."""
    eos = engine.config.symbols - 1
    ids = np.concatenate([[eos], prompt]).astype(np.int32)[:, None]  # (T, 1)
    state = engine.initial_state(1)
    for count in range(options.max_new_tokens):
        logits, state = engine.logits(parameters, ids, state)  # (T, 1, V)
        token = next_token(logits[-1, 0], options, uniform(key, count))
        logprob = log_softmax(logits[-1, 0])[[token]].astype(np.float32)
        ids = np.array([[token]], dtype=np.int32)
        last = "length" if count + 1 == options.max_new_tokens else None
        reason = "stop" if token == eos else last
        drawn = np.array([token] if token != eos else [], dtype=np.int32)
        yield GeneratedIds(ids=drawn, logprobs=logprob, finish_reason=reason)
        if reason:
            return


def generate_by_steps(
    engine: Engine,
    parameters: Parameters,
    prompts: list[NDArray[np.int32]],
    options: GenerationOptions,
    *,
    first: int = 0,
) -> list[GeneratedIds]:
    """Continue every prompt, one after the other; see `unspool.engines.protocol.Engine`."""
    seed = fresh_seed() if options.seed is None else options.seed
    keys = sequence_keys(seed, len(prompts), first=first)
    results = []
    for prompt, key in zip(prompts, keys, strict=True):
        pieces = list(stream_by_steps(engine, parameters, prompt, options, key))
        ids = np.concatenate([piece.ids for piece in pieces])
        logprobs = np.concatenate([piece.logprobs for piece in pieces])
        results.append(GeneratedIds(ids=ids, logprobs=logprobs, finish_reason=pieces[-1].finish_reason))
    return results
