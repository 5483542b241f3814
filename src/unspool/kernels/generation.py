"""The native loop that writes texts: what it is told, in plain numbers and arrays, and what it gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool.errors import NetworkError
from unspool.kernels.arrays import NO_ID, Floats, check_array, check_ids
from unspool.kernels.network import NativeNetwork

Ids = NDArray[np.int32]

Stage: TypeAlias = tuple[str, Sequence[float]]  # the name of its native row, and its numbers
REASONS = ("length", "end", "stop", "blocked", "overflow")


def stage_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the native penalties and of the native samplers, as their tables have them."""
    penalties, samplers = _native.stage_names()
    return tuple(penalties), tuple(samplers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Automaton:
    """Hold an automaton over symbols as the loop walks it.

    Args:
        classes: The class of each id.  # (V,)
        transitions: The next state for each state and class, negative where there is none.  # (S, C)
        distance: Symbols from each state to an accepting one.  # (S,)
        start: Where it begins anew.
    """

    classes: Ids
    transitions: Ids
    distance: Ids
    start: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoding:
    """Say how symbols are drawn. A stage that is off is not in its list.

    Args:
        penalties: What moves or forbids logits, in order: rows of native/writing/penalties.h. Each has one
            number, but for "logit_bias": an id and a bias for each symbol that has one.
        samplers: What chooses among the symbols, in order: rows of native/writing/filters.h. Each has one
            number, but for "temperature": the symbols over which it runs, then one temperature, or several
            with straight lines between them; 0 takes the most probable symbol.
        penalty_last: Symbols that the penalties look at; None for all.
        alternatives: Most probable symbols to report at each place; None for no report.
        guide: What may be drawn.
        stop: What ends a sequence, by leading nowhere.
    """

    penalties: Sequence[Stage] = ()
    samplers: Sequence[Stage] = ()
    penalty_last: int | None = None
    alternatives: int | None = None
    guide: Automaton | None = None
    stop: Automaton | None = None

    def native(self, vocab_size: int) -> _native.Decoding:
        """Make the native object.

        Raises:
            ValueError: If an array has another shape or type, or an id is outside the vocabulary.
        """
        out = _native.Decoding()
        for name, numbers in (*self.penalties, *self.samplers):
            if len(numbers) < 1 + (name == "temperature"):
                raise ValueError(f"{name}: expected numbers, got {numbers}")
            if name == "logit_bias":
                check_ids(name, np.array(numbers[::2], np.int32), vocab_size)
        out.penalties = [(name, list(map(float, numbers))) for name, numbers in self.penalties]
        out.samplers = [(name, list(map(float, numbers))) for name, numbers in self.samplers]
        out.penalty_last, out.alternatives = self.penalty_last or 0, self.alternatives or 0
        for name in ("guide", "stop"):
            if getattr(self, name) is not None:
                setattr(out, name, _native_automaton(getattr(self, name), vocab_size))
        return out


def _native_automaton(automaton: Automaton, vocab_size: int) -> _native.Automaton:
    states, classes = automaton.transitions.shape
    check_array("classes", automaton.classes, np.int32, (vocab_size,))
    check_array("transitions", automaton.transitions, np.int32, (None, None))
    check_array("distance", automaton.distance, np.int32, (states,))
    if not 0 <= int(automaton.classes.min()) <= int(automaton.classes.max()) < classes:
        raise ValueError(f"classes: expected numbers in [0, {classes})")
    if int(automaton.transitions.max()) >= states or not 0 <= automaton.start < states:
        raise ValueError(f"transitions: expected numbers under {states}")
    out = _native.Automaton()
    out.classes, out.transitions = automaton.classes, automaton.transitions
    out.distance, out.start = automaton.distance, automaton.start
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """Say what a call continues; the arrays marked so are changed.

    Args:
        prompts: What is read first; at least one id each, unless `from_state`.
        contexts: What the penalties and n-grams look at: prompt, then text, without `<eos>`; None where they
            are off.
        keys: The random stream of each sequence.  # (N,)
        drawn: Symbols drawn from each stream before: the end of its context.  # (N,)
        state: Changed; the last symbol drawn is not in it yet.  # (N, L, S, H)
        from_state: Whether to draw from the state itself after an empty prompt.
        guide_states: Changed; where each sequence stands in the guide, or None.  # (N,)
        stop_states: Changed; the same of `stop`.  # (N,)
        max_new_tokens: Symbols to draw in this call, at least 0.
        limit: Symbols to draw in all, with those drawn before: what a guide reckons with.
        end_id: The id that ends a sequence, or None.
        echo: Whether to report about the prompts.
    """

    prompts: Sequence[Ids]
    contexts: Sequence[Ids] | None
    keys: NDArray[np.uint64]
    drawn: NDArray[np.int64]
    state: Floats
    from_state: bool
    guide_states: Ids | None
    stop_states: Ids | None
    max_new_tokens: int
    limit: int
    end_id: int | None
    echo: bool


@dataclass(frozen=True, eq=False)
class TokenReport:
    """Tell about places of a text.

    Args:
        logprobs: Of each symbol under the model itself, at temperature 1 and without filters.  # (N,)
        constrained: Of what the guide allows; None without one.  # (N,)
        alternatives: The most probable symbols; None where off.  # (N, k)
        alternative_logprobs: Their log-probabilities.  # (N, k)
    """

    logprobs: Floats
    constrained: Floats | None = None
    alternatives: Ids | None = None
    alternative_logprobs: Floats | None = None

    @classmethod
    def room(cls, shape: tuple[int, ...], *, guided: bool, alternatives: int | None) -> "TokenReport":
        """Make room for a report of so many places."""
        wide = (*shape, alternatives or 0)
        return cls(
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32) if guided else None,
            np.zeros(wide, np.int32) if alternatives else None,
            np.zeros(wide, np.float32) if alternatives else None,
        )

    def native(self) -> _native.Report:
        """Make the native object, which writes into this one."""
        out = _native.Report()
        out.logprobs, out.constrained = self.logprobs, self.constrained
        out.alternatives, out.alternative_logs = self.alternatives, self.alternative_logprobs
        return out

    def parts(self, where: Any, lengths: Ids) -> "list[TokenReport]":
        """Cut what stands at some places into one report for each sequence, of these lengths."""
        fields = (self.logprobs, self.constrained, self.alternatives, self.alternative_logprobs)
        cut = [_cut(field[where], lengths) for field in fields if field is not None]
        given = iter(cut)
        columns = [next(given) if field is not None else repeat(None) for field in fields]
        return list(map(TokenReport, *columns))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Hold what one sequence became.

    Args:
        ids: The symbols drawn, `end_id` included.  # (N,)
        report: About each of them.
        reason: One of `REASONS`: "length" where the call's count of symbols was reached.
        echo: About the prompt, where that was asked for.
    """

    ids: Ids
    report: TokenReport
    reason: str
    echo: TokenReport | None


def generate(
    network: NativeNetwork,
    parameters: Mapping[str, Floats] | None,
    sequences: Sequences,
    decoding: Decoding,
) -> list[Drawn]:
    """Read each prompt, then draw symbols until something ends it.

    Args:
        network: The network.
        parameters: Its parameters by name; None for those that it has loaded.
        sequences: What to continue.
        decoding: How.

    Raises:
        ValueError: If an array has another shape or type, or an id is outside the vocabulary.
        NetworkError: If the network's logits are not finite.
    """
    N, count = len(sequences.prompts), sequences.max_new_tokens
    if not N:
        return []
    _check_sequences(network, sequences, decoding)
    prompts, starts = _joined(sequences.prompts)
    contexts, context_starts = _joined(sequences.contexts or [prompts[:0]] * N)
    for name, ids in (("prompts", prompts), ("contexts", contexts)):
        if len(ids):
            check_ids(name, ids, network.shape.vocab_size)
    report = TokenReport.room(
        (N, count), guided=decoding.guide is not None, alternatives=decoding.alternatives
    )
    echo = TokenReport.room(prompts.shape, guided=False, alternatives=decoding.alternatives)
    tokens, lengths, reasons = (np.zeros(shape, np.int32) for shape in ((N, count), N, N))
    call = _native.Sequences()
    call.prompts, call.prompt_starts = prompts, starts
    call.context, call.context_starts = contexts, context_starts
    call.keys, call.drawn, call.state = sequences.keys, sequences.drawn, sequences.state
    call.guide_states, call.stop_states = sequences.guide_states, sequences.stop_states
    call.from_state, call.limit, call.max_new_tokens = sequences.from_state, sequences.limit, count
    call.end_id = NO_ID if sequences.end_id is None else sequences.end_id
    call.tokens, call.lengths, call.reasons, call.report = tokens, lengths, reasons, report.native()
    if sequences.echo:
        call.echo = echo.native()
    network.generate(parameters, call, decoding.native(network.shape.vocab_size))
    if (reasons == REASONS.index("overflow")).any():
        raise NetworkError
    drawn = np.arange(count) < lengths[:, None]  # (N, count)
    echoed = echo.parts(slice(None), np.diff(starts)) if sequences.echo else repeat(None)
    names = map(REASONS.__getitem__, reasons.tolist())
    return list(map(Drawn, _cut(tokens[drawn], lengths), report.parts(drawn, lengths), names, echoed))


def _check_sequences(network: NativeNetwork, sequences: Sequences, decoding: Decoding) -> None:
    N, shape = len(sequences.prompts), network.shape
    for prompt in (*sequences.prompts, *(sequences.contexts or ())):
        check_array("prompt", prompt, np.int32, (None,))
    if not sequences.from_state and not all(map(len, sequences.prompts)):
        raise ValueError("prompts: expected at least one id each")
    check_array("state", sequences.state, np.float32, (N, shape.num_layers, shape.states, shape.hidden_size))
    check_array("keys", sequences.keys, np.uint64, (N,))
    check_array("drawn", sequences.drawn, np.int64, (N,))
    pairs = ((decoding.guide, sequences.guide_states), (decoding.stop, sequences.stop_states))
    for automaton, states in pairs:
        if automaton is None:
            continue
        if states is None:
            raise ValueError("automaton: expected the state of each sequence")
        check_array("automaton states", states, np.int32, (N,))
        if not 0 <= int(states.min()) <= int(states.max()) < len(automaton.transitions):
            raise ValueError("automaton states: expected states of the automaton")


def _joined(parts: Sequence[Ids]) -> tuple[Ids, NDArray[np.int64]]:
    """Put arrays one after the other; give where each begins, and the end."""
    starts = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    return np.concatenate(parts), starts


def _cut(array: NDArray[Any], lengths: NDArray[np.integer[Any]]) -> list[NDArray[Any]]:
    """Cut an array into parts of these lengths."""
    ends = np.cumsum(lengths).tolist()
    return [array[start:end] for start, end in zip([0, *ends], ends, strict=False)]
