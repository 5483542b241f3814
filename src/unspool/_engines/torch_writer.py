"""A writer of thousands of sequences side by side on a device.

The sequences of a request advance together, in tensors: in one call of `advance` nothing is waited for before
the last step, so a sequence that ends meanwhile draws on, and what it has drawn too much is cut off. Its
random numbers are those of every other writer, so its text is the same but for the rounding of the logits.

What looks at a text as it grows (penalties, guides), and what reports more than the tokens, is left to the
plain writer, one sequence after the other.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unspool._engines.protocol import LARGEST_LOGIT, Parameters
from unspool._engines.reference_writer import CODES, ReferenceWriter
from unspool._engines.state_logits import logits_of
from unspool._engines.torch_sampling import TORCH_FILTERS, Draw, drawn
from unspool._generation.automata.automaton import DEAD
from unspool._generation.engine_request import EngineRequest
from unspool._generation.sampling.filters import XTC_STREAM
from unspool._generation.sampling.penalties import PENALTIES
from unspool._generation.sampling.random import raw
from unspool._generation.written import TokenReport, Written, joined
from unspool._network.conditions import with_context


def is_plain(request: EngineRequest) -> bool:
    """Return whether tensors can write a request: no option of it looks at the text, or reports more."""
    options = request.options
    looks = any(options.turns_on(name) for name in PENALTIES if name != "logit_bias")
    known = all(name in TORCH_FILTERS for name in filter(options.turns_on, options.sampler_names))
    return known and not (looks or options.echo or options.logprobs or request.guide is not None)


class TorchWriter(ReferenceWriter):
    """The sequences that are written together; see `unspool._generation.writer.Writer`.

    Args:
        engine: A `FusedTorchEngine`.
        parameters: The parameters of the network.
    """

    def __init__(self, engine: Any, parameters: Parameters) -> None:
        super().__init__(engine, parameters)
        self._groups: list[_Group] = []

    def __len__(self) -> int:
        return super().__len__() + sum(len(group) for group in self._groups)

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        """Add sequences that share their options."""
        if not is_plain(request):
            return super().add(request, whole=whole)
        request.check_ids(self._engine.config.symbols)
        ids = range(self._added, self._added + len(request.prompts))
        self._added = ids.stop
        if ids:
            self._groups.append(_Group(self._engine, self._parameters, request, ids, whole=whole))
        return ids

    def advance(self, steps: int, *, whole: bool = False, spared: int = 0) -> Written:
        """Advance every sequence by some steps."""
        of_groups = [group.advance(steps, whole=whole) for group in self._groups]
        self._groups = [group for group in self._groups if len(group)]
        if super().__len__():
            of_groups.append(super().advance(steps, whole=whole))
        return of_groups[0] if len(of_groups) == 1 else joined(of_groups)

    def remove(self, sequence: int) -> bool:
        """Remove a sequence; return whether it was there."""
        there = super().remove(sequence) or any(group.remove(sequence) for group in self._groups)
        self._groups = [group for group in self._groups if len(group)]
        return there


class _Group:
    """The sequences of one request, in tensors; N of them have not ended."""

    def __init__(
        self, engine: Any, parameters: Parameters, request: EngineRequest, ids: range, *, whole: bool
    ) -> None:
        config, self.engine, self.options = engine.config, engine, request.options
        if request.context is not None:
            parameters, _ = with_context(parameters, config, request.context)
        self.weights = {name: engine.on_device(array) for name, array in parameters.items()}
        self.eos, self.whole, self.stop = config.symbols - 1, whole, request.stop
        self.ids = np.arange(ids.start, ids.stop)  # (N,)
        self.keys, self.place = request.keys, 0
        self.xtc_keys = raw(self.keys, np.repeat(XTC_STREAM, len(ids)))
        self.lengths = np.array([len(prompt) for prompt in request.prompts])  # (N,)
        self.prompts = np.full((max(self.lengths, default=0), len(ids)), -1, np.int64)  # (P, N)
        for i, prompt in enumerate(request.prompts):
            self.prompts[: len(prompt), i] = prompt
        self.stops = np.full(len(ids), 0 if request.stop is None else request.stop.start)
        self.buffers: list[list[NDArray[Any]]] = [
            [] for _ in ids
        ]  # tokens and logprobs that are not reported
        self.written = np.zeros(len(ids), np.int64)
        tau = self.options.mirostat_tau if self.options.turns_on("mirostat_tau") else None
        self.surprise = engine.on_device(np.full((len(ids), 1), 2 * (tau or 0.0)), wide=True)
        bias = np.zeros(config.symbols)
        for token, value in (self.options.logit_bias or {}).items():
            bias[int(token)] = value
        self.bias = engine.on_device(bias) if bias.any() else None
        self.input = engine.on_indices(np.full(len(ids), self.eos))
        self.logits: Tensor | None = None
        if request.states is None:
            self.state = engine.on_device(engine.initial_state(len(ids), parameters))
        else:
            self.state = engine.on_device(request.states)
            first = [logits_of(config, parameters, request.states[:, :, i : i + 1]) for i in range(len(ids))]
            self.logits = engine.on_device(np.stack(first))

    def __len__(self) -> int:
        return len(self.ids)

    def advance(self, steps: int, *, whole: bool) -> Written:
        """Advance by some steps, then see which sequences have ended where."""
        last = int((self.lengths + self.options.max_new_tokens).max())  # place at which all have ended
        steps = max(1, min(steps, last - self.place))
        places = self.place + np.arange(steps)[:, None] - self.lengths  # (steps, N): index of the drawn token
        tokens, logprobs, sound = (each.cpu().numpy() for each in self._steps(places))  # here the host waits
        self.place += steps
        finish = np.full(len(self), -1)
        for i in range(len(self)):
            begin = int(np.clip(-places[0, i], 0, steps))
            end = begin + self._ending(i, tokens[begin:, i], sound[:, i], begin, finish)
            if end > begin:
                self.buffers[i].append(np.stack([tokens[begin:end, i], logprobs[begin:end, i]]))
            self.written[i] += end - begin
        report = self._report(finish, whole=whole or self.whole)
        self._keep(finish < 0)
        return report

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _steps(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Make some steps; return the tokens, their log-probabilities, and whether the logits were finite."""
        counters = places.clip(min=0).astype(np.uint64)
        random, xtc = (
            self.engine.on_device((raw(keys, counters) >> np.uint64(11)) * 2.0**-53, wide=True)
            for keys in (self.keys, self.xtc_keys)
        )
        at = np.vectorize(self.options.temperature_at, otypes=[np.float32])
        constant = len(self.options.temperatures) == 1
        schedule = np.full(places.shape, at(0)) if constant else at(places.clip(min=0))
        temperatures = self.engine.on_device(schedule)
        reading = places < 0
        prompts = np.zeros(places.shape, np.int64)
        rows = self.prompts[self.place : self.place + len(places)]
        prompts[: len(rows)] = rows
        forced = self.engine.on_indices(np.where(reading, prompts, -1))
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        for step in range(len(places)):
            if self.logits is None:
                self.logits, self.state = self.engine.step(self.weights, self.input, self.state)
            logits, self.logits = self.logits, None
            draw = Draw(random[step], xtc[step], temperatures[step][:, None], self.surprise, forced[step] < 0)
            token = drawn(logits, self.options, draw, self.bias)
            logprob = logits.log_softmax(dim=1).gather(1, token.clamp(min=0)[:, None])[:, 0]
            self.input = torch.where(forced[step] >= 0, forced[step], token.clamp(min=0))
            found.append((token, logprob, (logits[:, 1:].abs() <= LARGEST_LOGIT).all(dim=1)))
        tokens, logprobs, sound = (torch.stack(each) for each in zip(*found, strict=True))
        return tokens, logprobs, sound

    def _ending(
        self,
        i: int,
        tokens: NDArray[np.int64],
        sound: NDArray[np.bool_],
        begin: int,
        finish: NDArray[np.int64],
    ) -> int:
        """Note whether and why a sequence has ended; return how many of its new tokens count."""
        ends: list[tuple[int, str]] = []  # number of tokens that count then, and the reason
        left = self.options.max_new_tokens - int(self.written[i])
        if len(tokens) >= left:
            ends.append((left, "length"))
        for found, reason, with_it in ((tokens < 0, "blocked", 0), (tokens == self.eos, "end", 1)):
            if found.any():
                ends.append((int(found.argmax()) + with_it, reason))
        if not sound.all():
            ends.append((max(0, int((~sound).argmax()) - begin), "overflow"))
        order = ("overflow", "blocked", "end", "length")
        count, reason = min(ends, key=lambda each: (each[0], order.index(each[1])), default=(len(tokens), ""))
        if (stopped := self._stopping(i, tokens[:count])) is not None and stopped <= count - (
            reason == "end"
        ):
            count, reason = stopped, "stop"
        if reason:
            finish[i] = CODES[reason]
        return count

    def _stopping(self, i: int, tokens: NDArray[np.int64]) -> int | None:
        """Walk the stop strings; return the number of tokens with which the text stops, or None."""
        if self.stop is None:
            return None
        for place, token in enumerate(tokens.tolist()):
            if token == self.eos:
                return None
            self.stops[i] = self.stop.walk([token], int(self.stops[i]))
            if self.stops[i] == DEAD:
                self.stops[i] = self.stop.start
                if self.written[i] + place + 1 >= self.options.min_tokens:
                    return place + 1
        return None

    def _report(self, finish: NDArray[np.int64], *, whole: bool) -> Written:
        """Return what has news; with `whole` the sequences that have ended."""
        news = [i for i in range(len(self)) if finish[i] >= 0 or (not whole and self.buffers[i])]
        parts = [np.concatenate([np.zeros((2, 0)), *self.buffers[i]], axis=1) for i in news]
        for i in news:
            self.buffers[i] = []
        both = np.concatenate([np.zeros((2, 0)), *parts], axis=1)
        return Written(
            ids=self.ids[news],
            finish=finish[news].astype(np.int32),
            drawn=TokenReport(
                offsets=np.cumsum([0, *(part.shape[1] for part in parts)], dtype=np.int64),
                tokens=both[0].astype(np.int32),
                logprobs=both[1].astype(np.float32),
            ),
        )

    def remove(self, sequence: int) -> bool:
        """Remove a sequence; return whether it was there."""
        there = sequence in self.ids
        self._keep(self.ids != sequence)
        return there

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        """Keep some of the sequences."""
        if kept.all():
            return
        for name in ("ids", "keys", "xtc_keys", "lengths", "stops", "written"):
            setattr(self, name, getattr(self, name)[kept])
        self.prompts = self.prompts[:, kept]
        self.buffers = [buffer for buffer, keep in zip(self.buffers, kept, strict=True) if keep]
        index = self.engine.on_indices(np.flatnonzero(kept))
        self.input, self.surprise, self.state = (
            self.input[index],
            self.surprise[index],
            self.state[:, :, index],
        )
        self.logits = None if self.logits is None else self.logits[index]
