"""Two networks in one: an encoder reads a source text, and the decoder starts from its last state.

Sutskever, Vinyals and Le, "Sequence to Sequence Learning with Neural Networks", 2014. Each has an engine of
its own, so every engine can compute such a pair. The gradient by the decoder's first states is passed to the
encoder as the gradient by its last states.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import (
    STATES,
    DropoutMasks,
    Engine,
    Floats,
    Gradients,
    Loss,
    Parameters,
    StateArray,
)
from unspool._generation.engine_request import EngineRequest
from unspool._generation.search.forward import Forward
from unspool._generation.writer import Writer
from unspool._network.conditions import no_source
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER
from unspool._text.streams.lanes import Conditions, Window

OUTPUT = ("output.kernel", "output.bias")


class EncoderDecoder:
    """An engine for an encoder and a decoder, each with an engine of its own.

    Args:
        config: The network as a whole, its source_vocab_size set.
        decoder: An engine of `config.without_encoder()`.
        encoder: An engine of `config.encoder`.
    """

    def __init__(self, config: NetworkConfig, decoder: Engine, encoder: Engine) -> None:
        self.config, self.decoder, self.encoder = config, decoder, encoder
        self.threads, self.precision, self.inference = decoder.threads, decoder.precision, decoder.inference
        V, H = encoder.config.symbols, config.hidden_size
        dtype = decoder.initial_state(1).dtype
        self._output = {"output.kernel": np.zeros((H, V), dtype), "output.bias": np.zeros(V, dtype)}

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> StateArray:
        """Return a state of zeros (L, S, B, H), which the source of each record replaces.

        Raises:
            ConfigError: If parameters are given, since the first state depends on a source.
        """
        if parameters is not None:
            raise no_source()
        return self.decoder.initial_state(batch_size)

    def encode(self, parameters: Parameters, sources: NDArray[np.int32]) -> StateArray:
        """Read sources and return the states after them.

        Args:
            parameters: The parameters of the whole network.
            sources: The sources, padded at the start so that all end in the last row.  # (Ts, R)

        Returns:
            The last states of the encoder.  # (L, S, R, H)
        """
        _, state = self.encoder.token_losses(
            self._encoder_parameters(parameters),
            _read_only(sources),
            self.encoder.initial_state(sources.shape[1]),
            reset_id=self._source_eos,
        )
        return state

    def loss_and_gradients(
        self,
        parameters: Parameters,
        window: Window,
        state: StateArray,
        *,
        reset_id: int | None,
        masks: DropoutMasks | None = None,
        final_grad: Floats | None = None,
    ) -> tuple[Loss, Gradients, StateArray]:
        """Run a window forward and backward; see `unspool._engines.protocol.Engine`.

        The source of a record is read in the window where the record starts, and the encoder learns from this
        window alone.
        """
        inner, started, sources = self._decoder_window(parameters, window, reset_id)
        loss, gradients, after = self.decoder.loss_and_gradients(
            _decoder_parameters(parameters),
            inner,
            state,
            reset_id=reset_id,
            masks=masks,
            final_grad=final_grad,
        )
        gradients = dict(gradients)
        by_state = gradients.pop(STATES)[started]  # (N, L, S, H)
        if len(started):
            encoder_gradients = self.encoder.loss_and_gradients(
                self._encoder_parameters(parameters),
                _read_only(sources),
                self.encoder.initial_state(len(started)),
                reset_id=self._source_eos,
                final_grad=np.ascontiguousarray(by_state.transpose(1, 2, 0, 3)),
            )[1]
        else:
            encoder_parameters = self._encoder_parameters(parameters)
            encoder_gradients = {name: np.zeros_like(values) for name, values in encoder_parameters.items()}
        own_gradients = {ENCODER + n: values for n, values in encoder_gradients.items() if n not in OUTPUT}
        return loss, gradients | own_gradients, after

    def token_losses(
        self, parameters: Parameters, window: Window, state: StateArray, *, reset_id: int | None
    ) -> tuple[Floats, StateArray]:
        """Return nats of each target (T, B), 0 where the target is 0, and the state after the window."""
        inner, _, _ = self._decoder_window(parameters, window, reset_id)
        return self.decoder.token_losses(_decoder_parameters(parameters), inner, state, reset_id=reset_id)

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: StateArray,
        *,
        reset_id: int | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Floats, StateArray]:
        """Return the logits after a state that depends on a source; see `Engine` in `protocol.py`."""
        if reset_id is not None:
            raise no_source()
        return self.decoder.logits(_decoder_parameters(parameters), ids, state, conditions=conditions)

    def forward(self, parameters: Parameters, *, lanes: int) -> Forward:
        """Prepare `logits` for many short calls; see `unspool._engines.protocol.Engine`."""
        run = self.decoder.forward(_decoder_parameters(parameters), lanes=lanes)

        def checked(
            ids: NDArray[np.int32], state: StateArray, *, reset_id: int | None = None
        ) -> tuple[Floats, StateArray]:
            if reset_id is not None:
                raise no_source()
            return run(ids, state)

        return checked

    def writer(self, parameters: Parameters) -> "AnswerWriter":
        """Return a writer that continues from states; see `unspool._generation.writer.WritingEngine`."""
        return AnswerWriter(self.decoder.writer(_decoder_parameters(parameters)))

    @property
    def _source_eos(self) -> int:
        return self.encoder.config.symbols - 1

    def _encoder_parameters(self, parameters: Parameters) -> dict[str, Floats]:
        encoder = {n.removeprefix(ENCODER): v for n, v in parameters.items() if n.startswith(ENCODER)}
        return encoder | self._output

    def _decoder_window(
        self, parameters: Parameters, window: Window, reset_id: int | None
    ) -> tuple[Window, NDArray[np.int32], NDArray[np.int32]]:
        """Return the window of the decoder, with states in the place of sources.

        Returns:
            The window, the rows of the N records that start in it (N,), and their sources (Ts, N).

        Raises:
            ConfigError: If the window has no sources.
        """
        conditions = window.conditions
        if conditions is None or conditions.sources is None:
            raise no_source()
        starts = window.ids == (-1 if reset_id is None else reset_id)
        started = np.unique(conditions.records[starts]).astype(np.int32)  # (N,)
        sources = trimmed(conditions.sources[:, started])  # (Ts, N)
        L, S, H = self.config.state_shape
        states = np.zeros((conditions.num_rows, L, S, H), self._output["output.bias"].dtype)
        if len(started):
            states[started] = self.encode(parameters, sources).transpose(2, 0, 1, 3)
        with_states = Conditions(conditions.records, context=conditions.context, states=states)
        return replace(window, conditions=with_states), started, sources


class AnswerWriter:
    """A writer that refuses sequences without a source.

    Args:
        writer: The writer of the decoder.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.advance, self.remove = writer.advance, writer.remove

    def __len__(self) -> int:
        return len(self._writer)

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        """Add sequences with the same options, each with its state."""
        if request.states is None:
            raise no_source()
        return self._writer.add(request, whole=whole)


def trimmed(sources: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the sources without the first rows that are padding in all of them."""
    first = int((sources != 0).any(axis=1).argmax()) if sources.size else 0
    return np.ascontiguousarray(sources[first:])


def _decoder_parameters(parameters: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values for name, values in parameters.items() if not name.startswith(ENCODER)}


def _read_only(sources: NDArray[np.int32]) -> Window:
    return Window(sources, np.zeros_like(sources))
