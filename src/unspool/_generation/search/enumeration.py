"""Exact enumeration: every text with at least a given probability, the most probable first.

The texts are all results that drawing at temperature 1 can have: a text that the model ends within
``max_new_tokens`` tokens, or the first ``max_new_tokens`` tokens of another. Together they have probability
1.

A beginning is at least as probable as any text that begins with it. So the search starts from the prompt and
reads the most probable beginnings first, a batch at a time, but none below the least probability. A text is
yielded when no beginning is left that could lead to a more probable one. Probabilities are summed in float64
from the engine's logits and compared as computed, and a text with exactly the least log-probability is
yielded. If an engine computes in float32, the log-probability is uncertain by about 1e-6 a token.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import TokenAutomaton
from unspool._generation.search.forward import Floats, Searched, log_sums
from unspool._generation.search.frontier import (
    NO_SLOT,
    Buckets,
    Candidates,
    StatePool,
    probability_buckets,
)
from unspool._generation.search.search_options import EnumerationOptions
from unspool._generation.search.tree import Integers, Outcome, Tree
from unspool._screen.wording import counted

READ_AT_ONCE = 1024  # beginnings that are read in one call of the network
OUTCOMES_AT_ONCE = 1024  # outcomes whose tokens are looked up together


class OutcomeSearch:
    """A search for outcomes, which `run` yields.

    Args:
        network: The network.
        prompt: The ids of the prompt, without `<eos>`.
        options: The options of the enumeration.
        automaton: The automaton that must accept every continuation, or None.
        guide: The state of the automaton after the prompt.

    Attributes:
        covered: Probability of all outcomes so far.
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
        self._beginnings, self._waiting = Buckets(), Buckets()
        self._least = options.least
        self._best_totals = np.zeros(0)  # of the `limit` best outcomes
        self._ready_mass = 0.0  # probability of the outcomes that are about to be yielded
        self.covered = 0.0

    @property
    def remaining(self) -> float:
        """An upper bound on the probability of all later outcomes; 0 at the end."""
        return self._beginnings.mass + self._waiting.mass + self._ready_mass

    def run(self) -> Iterator[Outcome]:
        """Yield the outcomes.

        Raises:
            ConfigError: If the search needs more memory than `max_memory`.
        """
        self._expand(np.zeros(1, np.int64), self._logits, self._start)
        count = 0
        while True:
            for outcome in self._ready():
                yield outcome
                count += 1
                if count == self._options.limit:
                    self._beginnings, self._waiting, self._ready_mass = Buckets(), Buckets(), 0.0
                    return
            if not self._beginnings.size:
                return
            self._read()

    def _ready(self) -> Iterator[Outcome]:
        """Yield the outcomes that come before all outcomes that are not found yet."""
        outcomes, beginnings = self._waiting, self._beginnings
        while outcomes.first is not None:
            if self._options.in_order and beginnings.first is not None and outcomes.first >= beginnings.first:
                return
            batch = outcomes.take_bucket()
            batch = batch[np.argsort(-batch.totals, kind="stable")]
            self._ready_mass = batch.mass
            for first in range(0, len(batch), OUTCOMES_AT_ONCE):
                yield from self._outcomes_of(batch[first : first + OUTCOMES_AT_ONCE])
            self._ready_mass = 0.0

    def _outcomes_of(self, candidates: Candidates) -> Iterator[Outcome]:
        outcomes = self._tree.outcomes(
            candidates.parents,
            candidates.tokens,
            candidates.totals,
            candidates.totals,
            eos_id=self._network.eos_id,
            guided=self._automaton is not None,
        )
        for outcome in outcomes:
            probability = math.exp(outcome.total)
            self.covered += probability
            self._ready_mass -= probability
            yield outcome

    def _read(self) -> None:
        """Read the last tokens of the most urgent beginnings."""
        if self._tree.room < READ_AT_ONCE:
            self._clear()
        candidates = self._beginnings.take(READ_AT_ONCE)
        hopeful = candidates.totals >= self._least  # the least probability may have grown since
        self._pool.drop(self._tree.slots(candidates.parents[~hopeful]))
        candidates = candidates[hopeful]
        if not len(candidates):
            return
        state = self._states(candidates.parents)
        guides = None
        if self._automaton is not None:
            guides = self._automaton.step(self._tree.guides(candidates.parents), candidates.tokens)
        nodes = self._tree.append(candidates.parents, candidates.tokens, candidates.totals, guides)
        logits, state = self._network.forward(candidates.tokens[None], state)
        self._expand(nodes, logits[0], state)

    def _expand(self, nodes: Integers, logits: Floats, state: Floats) -> None:
        """Store the outcomes and the longer beginnings that follow nodes and are probable enough."""
        longest = self._options.max_new_tokens
        steps = self._network.log_probabilities(logits)  # (B, V)
        if self._automaton is not None:
            left = longest - self._tree.depths(nodes)
            steps = np.where(self._automaton.allowed_from(self._tree.guides(nodes), left), steps, -np.inf)
            self._tree.allow(nodes, log_sums(steps))
        totals = self._tree.totals(nodes)[:, None] + steps
        rows, tokens = np.nonzero((totals >= self._least) & (steps > -np.inf))
        candidates = Candidates(nodes[rows], tokens.astype(np.int32), totals[rows, tokens])
        depths = self._tree.depths(candidates.parents) + 1
        ended, cut = tokens == self._network.eos_id, depths == longest
        self._find(candidates[ended | (cut & (not self._options.ended_only))])
        longer = ~(ended | cut)
        self._begin(candidates[longer], depths[longer])
        self._tree.keep_slots(nodes, self._pool.put(state, np.bincount(rows[longer], minlength=len(nodes))))
        self._check_memory()

    def _find(self, candidates: Candidates) -> None:
        """Store outcomes until they can be yielded."""
        self._waiting.add(candidates, probability_buckets(candidates.totals))
        limit = self._options.limit
        if limit is not None and self._options.in_order:
            best = np.concatenate([self._best_totals, candidates.totals])
            self._best_totals = -np.partition(-best, limit - 1)[:limit] if len(best) > limit else best
            if len(self._best_totals) == limit:
                self._least = max(self._least, float(self._best_totals.min()))

    def _begin(self, candidates: Candidates, depths: Integers) -> None:
        """Store beginnings until they are read: the most probable first, or the longest."""
        in_order = self._options.in_order
        self._beginnings.add(candidates, probability_buckets(candidates.totals) if in_order else -depths)

    def _states(self, nodes: Integers) -> Floats:
        """Return the state after each node (L, S, B, H): the stored state, or else it is computed again."""
        slots = self._tree.slots(nodes)
        stored = slots != NO_SLOT
        if stored.all():
            return self._pool.get(slots)
        states = np.empty((*self._start.shape[:2], len(nodes), self._start.shape[3]), self._start.dtype)
        states[:, :, stored] = self._pool.get(slots[stored])
        lost, places = np.unique(nodes[~stored], return_inverse=True)
        states[:, :, ~stored] = self._computed_again(lost)[:, :, places.reshape(-1)]
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
        """Remove the nodes that no later outcome can contain."""
        needed = [part.parents for bucket in (self._beginnings, self._waiting) for part in bucket.all()]
        numbers = self._tree.keep(np.concatenate(needed))
        self._beginnings.map(numbers)
        self._waiting.map(numbers)

    def _check_memory(self) -> None:
        used, room = (
            self._tree.nbytes + self._beginnings.nbytes + self._waiting.nbytes,
            self._options.max_memory,
        )
        if used <= room // 2:
            return
        waiting = f"{self._beginnings.size:,} beginnings and {counted(self._waiting.size, 'text')} wait"
        raise ConfigError(
            "the enumeration needs too much memory",
            expected=f"at most half of max_memory ({room:,} bytes)",
            got=f"{used:,} bytes: {waiting}",
            hint="raise min_probability or max_memory, or list the texts in any order (--any-order)",
        )
