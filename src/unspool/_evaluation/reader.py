"""Read a text that changes at its end, and reuse the work on its unchanged beginning."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Floats, Parameters, StateArray
from unspool._generation.sampling.draw import log_softmax

STRIDE = 64  # tokens between two stored states: at most this many are read again


class TextReader:
    """A reader of the ids of a text that stores a state every `STRIDE` tokens.

    After a change at the end, only the changed part is read again; going back to an earlier place is as
    cheap.

    Args:
        engine: The engine.
        parameters: The network's parameters.
    """

    def __init__(self, engine: Engine, parameters: Parameters) -> None:
        self._engine, self._parameters = engine, parameters
        self._states: list[StateArray] = [
            engine.initial_state(1, parameters)
        ]  # number k: before input k * STRIDE
        self._inputs = np.array([engine.config.symbols - 1], dtype=np.int32)  # <eos> starts every text
        self._logprobs: NDArray[np.float64] = np.zeros(0)

    def read(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Read a text and return the log-probabilities of its tokens.

        Args:
            ids: The tokens of the whole text, without `<eos>`.  # (N,)

        Returns:
            The natural log-probability of each token after the tokens before it.  # (N,)
        """
        inputs = np.concatenate([self._inputs[:1], ids]).astype(np.int32)
        same = self._same(inputs)
        del self._states[(same - 1) // STRIDE + 1 :]
        first = (len(self._states) - 1) * STRIDE
        self._logprobs = np.concatenate([self._logprobs[:first], self._run(inputs, first)])
        self._inputs = inputs
        return self._logprobs

    def logits_after(self, count: int) -> Floats:
        """Return the logits of the token after the first `count` tokens of the text.  # (V,)."""
        k = min(count // STRIDE, len(self._states) - 1)
        inputs = self._inputs[k * STRIDE : count + 1, None]  # (T, 1)
        logits, _ = self._engine.logits(self._parameters, inputs, self._states[k])  # (T, 1, V)
        last: Floats = logits[-1, 0]
        return last

    def _same(self, inputs: NDArray[np.int32]) -> int:
        """Return the number of unchanged inputs at the start, ≥ 1."""
        length = min(len(inputs), len(self._inputs))
        differ = np.flatnonzero(inputs[:length] != self._inputs[:length])
        return int(differ[0]) if differ.size else length

    def _run(self, inputs: NDArray[np.int32], first: int) -> NDArray[np.float64]:
        """Read on from the last stored state, and return the log-probability of each input after `first`."""
        logprobs = []
        for start in range(first, len(inputs), STRIDE):
            column = inputs[start : start + STRIDE, None]  # (T, 1)
            logits, state = self._engine.logits(self._parameters, column, self._states[-1])  # (T, 1, V)
            targets = inputs[start + 1 : start + STRIDE + 1]
            chosen = log_softmax(logits[: len(targets), 0])[np.arange(len(targets)), targets]
            logprobs.append(chosen.astype(np.float64))
            if start + STRIDE < len(inputs):
                self._states.append(state)
        return np.concatenate(logprobs)
