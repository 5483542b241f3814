"""The native writer: sequences, in plain numbers and arrays, that are written step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool._kernels.arrays import Floats, Ids, check_array, check_ids, check_number, native_id
from unspool._kernels.counts import MOST_ORDER, CountTable
from unspool._kernels.network import NativeNetwork

MOST_TOKENS, MOST_THREADS = (1 << 63) - 1, (1 << 31) - 1
DRY_NUMBERS = 4  # multiplier, base, allowed length, tokens to look at; then the breakers
Stage: TypeAlias = tuple[str, Sequence[float]]  # the name of its native row, and its numbers


def stage_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the native penalties and of the native samplers, as their tables have them."""
    penalties, samplers = _native.stage_names()
    return tuple(penalties), tuple(samplers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Automaton:
    """An automaton over tokens.

    Args:
        classes: The class of each id, int32.  # (V,)
        transitions: The next state for each state and class, int32, negative where there is none.  # (S, C)
        distance: Tokens from each state to an accepting one, int32.  # (S,)
        start: Where it begins anew.
    """

    classes: Ids
    transitions: Ids
    distance: Ids
    start: int = 0

    def native(self, vocab_size: int) -> _native.Automaton:
        """Make the native object.

        Raises:
            ValueError: If an array has another shape or type, or a number leads outside the automaton.
        """
        check_array("classes", self.classes, np.int32, (vocab_size,))
        check_array("transitions", self.transitions, np.int32, (None, None))
        states, classes = self.transitions.shape
        check_array("distance", self.distance, np.int32, (states,))
        if not 0 <= int(self.classes.min()) <= int(self.classes.max()) < classes:
            raise ValueError(f"classes: expected numbers in [0, {classes})")
        if not 0 <= self.start < states or int(self.transitions.max()) >= states:
            raise ValueError(f"transitions: expected numbers under {states}")
        return _native.Automaton(self.classes, self.transitions, self.distance, self.start)


class NativeWriter:
    """Sequences that are written side by side by the native loop.

    Args:
        network: The network, on whose threads they are written.
        parameters: Its parameters by name; not copied, and not to be changed as long as the writer is used.

    Raises:
        ValueError: If an array has another shape or type.
    """

    def __init__(self, network: NativeNetwork, parameters: Mapping[str, Floats]) -> None:
        self._shape = network.shape
        self._native = _native.Writer(network.native, network.listed("parameter", parameters))

    def __len__(self) -> int:
        return len(self._native)

    def add(
        self,
        *,
        prompts: Sequence[Ids],
        keys: NDArray[np.uint64],
        start: Floats | None,
        max_new_tokens: int,
        end_id: int | None,
        from_state: bool = False,
        guide: Automaton | None = None,
        guide_states: Ids | None = None,
        stop: Automaton | None = None,
        penalties: Sequence[Stage] = (),
        samplers: Sequence[Stage] = (),
        penalty_last: int | None = None,
        alternatives: int | None = None,
        echo: bool = False,
        first_bias: Floats | None = None,
        counts: CountTable | None = None,
        recent: Ids | None = None,
        whole: bool = False,
    ) -> range:
        """Add sequences; the arrays are not copied, and not to be changed.

        Args:
            prompts: The tokens that each reads first, int32; at least one each, unless `from_state`.
            keys: The random stream of each.  # (N,)
            start: The state that each starts from, or one for all; None for zeros.  # (N or 1, L, S, H)
            max_new_tokens: Tokens to draw, at least 1.
            end_id: The id that ends a sequence, or None.
            from_state: Whether to draw from the state itself after an empty prompt.
            guide: The automaton that says what may be drawn.
            guide_states: The state of each sequence in the guide, int32.  # (N,)
            stop: The automaton that ends a sequence where it leads nowhere.
            penalties: Rows of native/writing/penalties.h, in the order in which they apply. Each has one
                number, but for "logit_bias": an id and a bias for each token that has one; and
                "dry_multiplier": the multiplier, base, allowed length and tokens to look at, 0 for all, then
                the length and the ids of each breaker.
            samplers: Rows of native/writing/filters.h, in the order in which they apply. Each has one number,
                but for "temperature": the tokens over which it runs, then one temperature, or several with
                straight lines between them; 0 takes the most probable token; and "xtc_probability": the
                probability and the threshold.
            penalty_last: Tokens that the penalties look back at; None for all.
            alternatives: Most probable tokens to report at each place; None for no report.
            echo: Whether to report about the prompts.
            first_bias: The bias of the first layer, in place of the network's own.  # (G·H,)
            counts: The table of counts that is mixed into the logits.
            recent: The last symbols before each prompt, the newest first, 0 where there is none, int32; None
                for none.  # (N, 16)
            whole: Whether `advance` returns nothing of them before they have ended.

        Returns:
            The ids of the sequences.

        Raises:
            ValueError: If an array has another shape or type, an id is outside the vocabulary, there is no
                such stage, or a stage has too few numbers.
        """
        shape, N = self._shape, len(prompts)
        if not N:
            return range(0)
        check_number("max_new_tokens", max_new_tokens, 1, MOST_TOKENS)
        check_number("penalty_last", 1 if penalty_last is None else penalty_last, 1, MOST_TOKENS)
        self._check_numbers(penalties, alternatives)
        joined, lengths = self._joined(prompts, from_state)
        check_array("keys", keys, np.uint64, (N,))
        if start is not None:
            rows = N if len(start) == N else 1
            check_array("start", start, np.float32, (rows, shape.num_layers, shape.states, shape.hidden_size))
        if first_bias is not None:
            check_array("first_bias", first_bias, np.float32, shape.parameter_shapes["layers.0.bias"])
        self._check_counts(counts, recent, N)
        if guide is not None:
            _check_guide(guide, guide_states, N)
        first = self._native.add(
            prompts=joined,
            prompt_starts=np.cumsum([0, *lengths], dtype=np.int64),
            keys=keys,
            start=start,
            guide_states=guide_states,
            guide=None if guide is None else guide.native(shape.vocab_size),
            stop=None if stop is None else stop.native(shape.vocab_size),
            penalties=[(name, list(map(float, numbers))) for name, numbers in penalties],
            samplers=[(name, list(map(float, numbers))) for name, numbers in samplers],
            first_bias=first_bias,
            counts=None if counts is None else counts.native,
            recent=recent,
            penalty_last=penalty_last or 0,
            alternatives=alternatives or 0,
            echo=echo,
            from_state=from_state,
            max_new_tokens=max_new_tokens,
            end_id=native_id("end_id", end_id, shape.vocab_size),
            whole=whole,
        )
        return range(first, first + N)

    def _joined(self, prompts: Sequence[Ids], from_state: bool) -> tuple[Ids, list[int]]:
        """Return all prompts in one row and the length of each, checked."""
        for prompt in prompts:
            check_array("prompts", prompt, np.int32, (None,))
        joined, lengths = np.concatenate(prompts), [len(prompt) for prompt in prompts]
        if len(joined):
            check_ids("prompts", joined, self._shape.vocab_size)
        if not from_state and not all(lengths):
            raise ValueError("prompts: expected at least one id each")
        return joined, lengths

    def _check_counts(self, counts: CountTable | None, recent: Ids | None, N: int) -> None:
        if counts is not None:
            check_number("vocab_size of the counts", counts.vocab_size, 2, self._shape.vocab_size)
        if recent is not None:
            check_array("recent", recent, np.int32, (N, MOST_ORDER))

    def _check_numbers(self, penalties: Sequence[Stage], alternatives: int | None) -> None:
        """Check the numbers that become indices, or that say how many others follow."""
        V = self._shape.vocab_size
        if alternatives is not None:
            check_number("alternatives", alternatives, 1, V - 1)
        for name, numbers in penalties:
            for token in numbers[::2] if name == "logit_bias" else ():
                check_number(name, token, 0, V - 1)
            at = DRY_NUMBERS
            while name == "dry_multiplier" and at < len(numbers):
                if not 0 <= numbers[at] < len(numbers) - at or min(numbers[at:]) < 0:
                    raise ValueError(f"{name}: expected breakers, each after its length")
                at += 1 + int(numbers[at])

    def advance(self, steps: int, *, whole: bool = False, spared: int = 0) -> dict[str, Any]:
        """Take every sequence so many steps further.

        Args:
            steps: How many, ≥ 1.
            whole: Whether to return sequences that are over alone, each with all that it has drawn.
            spared: Threads of the network that take no part; the calling one always does.

        Returns:
            The fields of `unspool._generation.written.Written`, and of its reports.
        """
        check_number("steps", steps, 1, MOST_TOKENS)
        check_number("spared", spared, 0, MOST_THREADS)
        return self._native.advance(steps, whole, spared)

    def remove(self, sequence: int) -> bool:
        """Take a sequence out; return whether it was there."""
        return self._native.remove(sequence)


def _check_guide(guide: Automaton, states: Ids | None, N: int) -> None:
    """Check the state of each sequence in its guide."""
    if states is None:
        raise ValueError("guide_states: expected the state of each sequence")
    check_array("guide_states", states, np.int32, (N,))
    if not 0 <= int(states.min()) <= int(states.max()) < len(guide.transitions):
        raise ValueError("guide_states: expected states of the automaton")
