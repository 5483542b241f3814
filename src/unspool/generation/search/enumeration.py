"""Exact enumeration: every text that is at least so probable, the most probable first.

What is enumerated are the ends that drawing from the model at temperature 1 can come to: a text that the
model ends within ``max_new_tokens`` symbols, or the first ``max_new_tokens`` symbols of one that it does not.
Together they have probability 1.

A beginning is at least as probable as any text that begins with it. So the search starts from the prompt,
reads the most probable beginnings first, a batch at a time, and never reads one below the least probability;
a text is given once no beginning is left that could lead to a more probable one. Probabilities are summed
in float64 from the engine's logits and compared as computed: a text whose computed log-probability equals the
least one is given. Where an engine computes in float32, that value is uncertain by about 1e-6 a symbol.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unspool.errors import ConfigError
from unspool.generation.automata.automaton import TokenAutomaton
from unspool.generation.search.forward import Floats, Searched, log_probabilities, log_sums
from unspool.generation.search.frontier import (
    NO_SLOT,
    Buckets,
    Candidates,
    StatePool,
    probability_buckets,
)
from unspool.generation.search.search_options import EnumerationOptions
from unspool.generation.search.tree import Integers, Outcome, Tree

READ_AT_ONCE = 1024  # beginnings that are read in one call of the network
TOLD_AT_ONCE = 1024  # outcomes whose symbols are looked up together


class OutcomeSearch:
    """Find outcomes one after the other; iterate over `run`.

    Args:
        network: The network.
        prompt: Ids without `<eos>`.
        options: What to enumerate.
        automaton: What every continuation must be accepted by, or None.
        guide: The automaton's state after the prompt.

    Attributes:
        covered: Probability of all outcomes given so far.
    """

    def __init__(
        self,
        network: Searched,
        prompt: NDArray[np.int32],
        options: EnumerationOptions,
        *,
        automaton: TokenAutomaton | None = None,
        guide: int = 0,
    ) -> None:
        self._network, self._options, self._automaton = network, options, automaton
        self._tree = Tree(np.array([guide], np.int32))
        self._logits, self._start = network.read([prompt])
        self._pool = StatePool(self._start, room=options.max_memory // 2)
        self._beginnings, self._found = Buckets(), Buckets()
        self._least = options.least
        self._best_totals = np.zeros(0)  # of the `limit` best outcomes found
        self._ready_mass = 0.0  # of outcomes taken out of what was found and not given yet
        self.covered = 0.0

    @property
    def remaining(self) -> float:
        """Bound the probability of all outcomes that are still to come; 0 once there are none."""
        return self._beginnings.mass + self._found.mass + self._ready_mass

    def run(self) -> Iterator[Outcome]:
        """Yield the outcomes.

        Raises:
            ConfigError: If the search needs more memory than it may have.
        """
        self._expand(np.zeros(1, np.int64), self._logits, self._start)
        given = 0
        while True:
            for outcome in self._ready():
                yield outcome
                given += 1
                if given == self._options.limit:
                    self._beginnings, self._found, self._ready_mass = Buckets(), Buckets(), 0.0
                    return
            if not self._beginnings.size:
                return
            self._read()

    def _ready(self) -> Iterator[Outcome]:
        """Take out the outcomes that nothing still to be found can come before."""
        found, beginnings = self._found, self._beginnings
        while found.first is not None:
            if self._options.in_order and beginnings.first is not None and found.first >= beginnings.first:
                return
            some = found.take_bucket()
            some = some[np.argsort(-some.totals, kind="stable")]
            self._ready_mass = some.mass
            for first in range(0, len(some), TOLD_AT_ONCE):
                yield from self._tell(some[first : first + TOLD_AT_ONCE])
            self._ready_mass = 0.0

    def _tell(self, some: Candidates) -> Iterator[Outcome]:
        outcomes = self._tree.outcomes(
            some.parents,
            some.symbols,
            some.totals,
            some.totals,
            eos_id=self._network.eos_id,
            guided=self._automaton is not None,
        )
        for outcome in outcomes:
            probability = math.exp(outcome.total)
            self.covered += probability
            self._ready_mass -= probability
            yield outcome

    def _read(self) -> None:
        """Read the last symbols of the most urgent beginnings."""
        if self._tree.room < READ_AT_ONCE:
            self._clear()
        some = self._beginnings.take(READ_AT_ONCE)
        hopeful = some.totals >= self._least  # the least may have risen since
        self._pool.drop(self._tree.slots(some.parents[~hopeful]))
        some = some[hopeful]
        if not len(some):
            return
        state = self._states(some.parents)
        guides = None
        if self._automaton is not None:
            guides = self._automaton.step(self._tree.guides(some.parents), some.symbols)
        nodes = self._tree.append(some.parents, some.symbols, some.totals, guides)
        logits, state = self._network.forward(some.symbols[None], state)
        self._expand(nodes, logits[0], state)

    def _expand(self, nodes: Integers, logits: Floats, state: Floats) -> None:
        """Sort out what can follow nodes: outcomes, longer beginnings, and what is too improbable."""
        longest = self._options.max_new_tokens
        steps = log_probabilities(logits)  # (B, V)
        if self._automaton is not None:
            left = longest - self._tree.depths(nodes)
            steps = np.where(self._automaton.allowed_from(self._tree.guides(nodes), left), steps, -np.inf)
            self._tree.allow(nodes, log_sums(steps))
        totals = self._tree.totals(nodes)[:, None] + steps
        rows, symbols = np.nonzero((totals >= self._least) & (steps > -np.inf))
        some = Candidates(nodes[rows], symbols.astype(np.int32), totals[rows, symbols])
        depths = self._tree.depths(some.parents) + 1
        ended, cut = symbols == self._network.eos_id, depths == longest
        self._find(some[ended | (cut & (not self._options.ended_only))])
        longer = ~(ended | cut)
        self._begin(some[longer], depths[longer])
        self._tree.keep_slots(nodes, self._pool.put(state, np.bincount(rows[longer], minlength=len(nodes))))
        self._check_memory()

    def _find(self, some: Candidates) -> None:
        """Keep outcomes until it is their turn."""
        self._found.add(some, probability_buckets(some.totals))
        limit = self._options.limit
        if limit is not None and self._options.in_order:
            best = np.concatenate([self._best_totals, some.totals])
            self._best_totals = -np.partition(-best, limit - 1)[:limit] if len(best) > limit else best
            if len(self._best_totals) == limit:
                self._least = max(self._least, float(self._best_totals.min()))

    def _begin(self, some: Candidates, depths: Integers) -> None:
        """Keep beginnings until they are read: the most probable first, or the longest."""
        in_order = self._options.in_order
        self._beginnings.add(some, probability_buckets(some.totals) if in_order else -depths)

    def _states(self, nodes: Integers) -> Floats:
        """Give the state after each node (L, S, B, H): kept, or computed again from the prompt on."""
        slots = self._tree.slots(nodes)
        kept = slots != NO_SLOT
        if kept.all():
            return self._pool.get(slots)
        states = np.empty((*self._start.shape[:2], len(nodes), self._start.shape[3]), self._start.dtype)
        states[:, :, kept] = self._pool.get(slots[kept])
        lost, places = np.unique(nodes[~kept], return_inverse=True)
        states[:, :, ~kept] = self._computed_again(lost)[:, :, places.reshape(-1)]
        return states

    def _computed_again(self, nodes: Integers) -> Floats:
        states = np.repeat(self._start, len(nodes), axis=2)
        depths = self._tree.depths(nodes)
        for depth in np.unique(depths[depths > 0]):
            which = np.flatnonzero(depths == depth)
            state = np.ascontiguousarray(states[:, :, which])
            for ids in self._tree.ids(nodes[which]):
                _, state = self._network.forward(ids[None], state)
            states[:, :, which] = state
        return states

    def _clear(self) -> None:
        """Forget the nodes that nothing still to come goes back to."""
        needed = [part.parents for bucket in (self._beginnings, self._found) for part in bucket.all()]
        numbers = self._tree.keep(np.concatenate(needed))
        self._beginnings.map(numbers)
        self._found.map(numbers)

    def _check_memory(self) -> None:
        held, room = (
            self._tree.nbytes + self._beginnings.nbytes + self._found.nbytes,
            self._options.max_memory,
        )
        if held <= room // 2:
            return
        waiting = f"{self._beginnings.size:,} beginnings and {self._found.size:,} texts wait"
        raise ConfigError(
            "the enumeration needs too much memory",
            expected=f"at most half of max_memory ({room:,} bytes)",
            got=f"{held:,} bytes: {waiting}",
            hint="raise min_probability or max_memory, or list the texts in any order (--any-order)",
        )
