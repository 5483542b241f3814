"""Beam search: the best texts that end inside a beam of the most probable beginnings.

At each step the continuations of all beams by all tokens, with `<eos>`, are ranked by their total
log-probability under the model. Of the ``num_beams`` best, those that end are stored. The ``num_beams`` best
that do not end are the next beams. The result is the n stored texts with the best score, which is the total
divided by a power of the length. Score and beams are those of Hugging Face's ``early_stopping="never"``: the
search stops early only if more steps cannot change the result, which `BeamOptions.bound` shows.

With as many beams as continuations, the search finds the best texts. With fewer it may miss them, which is
useful: the most probable text of a model is often empty or a word (Stahlberg and Byrne, "On NMT Search Errors
and Model Errors: Cat Got Your Tongue?", 2019). To get that text, enumerate with a limit of 1.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool._generation.automata.automaton import DEAD, TokenAutomaton
from unspool._generation.search.forward import Floats, Searched, log_sums
from unspool._generation.search.search_options import BeamOptions
from unspool._generation.search.tree import Integers, Outcome, Tree

LANES_AT_ONCE = 4096  # beams of all prompts in one call of the network

Doubles = NDArray[np.float64]

ENDED = np.dtype(
    [
        ("score", np.float64),
        ("total", np.float64),
        ("node", np.int64),  # before the last token
        ("symbol", np.int32),  # the last token
    ]
)


def search_beams(
    network: Searched,
    prompts: Sequence[NDArray[np.int32]],
    options: BeamOptions,
    *,
    automaton: TokenAutomaton | None = None,
    guides: Sequence[int] = (),
) -> list[list[Outcome]]:
    """Find the best continuations of each prompt; the prompts do not influence each other.

    Args:
        network: The network.
        prompts: The ids of each prompt, without `<eos>`.
        options: The options of the search.
        automaton: The automaton that must accept every continuation, or None.
        guides: The state of the automaton after each prompt.

    Returns:
        At most n texts for each prompt, the best first; fewer if the beams found fewer.
    """
    at_once = max(1, LANES_AT_ONCE // options.num_beams)
    results: list[list[Outcome]] = []
    for first in range(0, len(prompts), at_once):
        part = slice(first, first + at_once)
        starts = np.array(guides[part] if automaton else [0] * len(prompts[part]), np.int32)
        search = BeamSearch(network, prompts[part], options, automaton=automaton, guides=starts)
        results += search.run()
    return results


class BeamSearch:
    """A search from several prompts: P active prompts, each with G groups of K beams."""

    def __init__(
        self,
        network: Searched,
        prompts: Sequence[NDArray[np.int32]],
        options: BeamOptions,
        *,
        automaton: TokenAutomaton | None,
        guides: NDArray[np.int32],
    ) -> None:
        self._network, self._options, self._automaton = network, options, automaton
        self._tree = Tree(guides)
        G, P = options.groups, len(prompts)
        self._width = options.num_beams // G
        self._prompts = np.arange(P)  # the active prompts
        self._nodes: Integers = np.repeat(np.arange(P), G).reshape(P, G, 1)
        self._totals: Doubles = np.zeros((P, G, 1))
        logits, state = network.read(prompts)
        self._logits: Floats = np.repeat(logits, G, axis=0)  # (P·G·K, V)
        self._state: Floats = np.repeat(state, G, axis=2)  # (L, S, P·G·K, H)
        self._ended = np.zeros((P, G, options.n), ENDED)  # the ended texts of all prompts, the best first
        self._ended["score"] = -np.inf
        self._count = np.zeros((P, G), np.int64)  # number of ended texts so far

    def run(self) -> list[list[Outcome]]:
        """Search until the result cannot change, and return the best texts of each prompt."""
        longest = self._options.max_new_tokens
        for length in range(1, longest + 1):
            beams, tokens, totals = self._step(length)
            if length == longest:
                self._remember(np.take_along_axis(self._nodes, beams, axis=2), tokens, totals, length)
                break
            going = self._under_way(totals, length)
            if not going.any():
                break
            self._move(going, beams[going], tokens[going], totals[going])
        return [self._best(groups) for groups in self._ended]

    def _step(self, length: int) -> tuple[Integers, Integers, Doubles]:
        """Choose the next beams; return the parent, the token and the total of each, (P, G, K)."""
        P, G, K = self._totals.shape
        eos_id = self._network.eos_id
        steps = self._network.log_probabilities(self._logits)  # (P·G·K, V)
        if self._automaton is not None:
            steps = self._constrain(self._automaton, steps, length)
        totals = (self._totals.reshape(-1, 1) + steps).reshape(P, G, K, -1)
        endings = totals[..., eos_id].copy()  # (P, G, K)
        totals[..., eos_id] = -np.inf
        taken = np.zeros((P, totals.shape[-1]))  # number of beams of earlier groups that took each token
        chosen = []
        for g in range(G):
            picked, sums, inside = self._choose(totals[:, g].reshape(P, -1), endings[:, g], taken)
            endings[:, g][~inside] = -np.inf
            tokens = picked % totals.shape[-1]
            if g + 1 < G:
                np.add.at(taken, (np.arange(P)[:, None], tokens), np.isfinite(sums))
            chosen.append((picked // totals.shape[-1], tokens, sums))
        self._remember(self._nodes, np.full(endings.shape, eos_id), endings, length)
        beams, tokens, sums = (np.stack(parts, axis=1) for parts in zip(*chosen, strict=True))
        return beams, tokens, sums

    def _constrain(self, automaton: TokenAutomaton, steps: Doubles, length: int) -> Doubles:
        """Forbid the tokens that the automaton does not allow, and store the probability of the others."""
        nodes, left = self._nodes.reshape(-1), self._options.max_new_tokens - length + 1
        steps = np.where(automaton.allowed_from(self._tree.guides(nodes), left), steps, -np.inf)
        alive = np.isfinite(self._totals.reshape(-1))
        self._tree.allow(nodes[alive], log_sums(steps[alive]))
        return steps

    def _choose(
        self, totals: Doubles, endings: Doubles, taken: Doubles
    ) -> tuple[Integers, Doubles, NDArray[np.bool_]]:
        """Rank the continuations (P, K·V) and the endings (P, K) of a group.

        Args:
            totals: Log-probability of each continuation.
            endings: Log-probability of each beam with `<eos>`.
            taken: Number of beams of earlier groups that took each token.  # (P, V)

        Returns:
            The places of the best continuations, their totals, and whether each ending is among the best.
        """
        ranked, rows = totals, np.arange(len(totals))[:, None]
        if self._options.diversity_penalty is not None:
            penalty = taken * self._options.diversity_penalty
            ranked = totals - np.tile(penalty, totals.shape[1] // penalty.shape[1])
        picked = best_first(ranked, self._width)
        standing = ranked[rows, picked]
        if picked.shape[1] == self._width and (endings < standing[:, -1:]).all():
            return picked, totals[rows, picked], np.zeros(endings.shape, np.bool_)
        rivals = np.concatenate([endings, standing], axis=1)
        best = np.zeros(rivals.shape, np.bool_)
        best[rows, best_first(rivals, self._width)] = True
        return picked, totals[rows, picked], best[:, : endings.shape[1]] & np.isfinite(endings)

    def _remember(self, nodes: Integers, tokens: Integers, totals: Doubles, length: int) -> None:
        """Keep the n best endings of each group, of the stored ones and the new ones (P, G, K)."""
        real = np.isfinite(totals)
        if not real.any():
            return
        self._count[self._prompts] += real.sum(axis=2)
        new = np.zeros(totals.shape, ENDED)
        new["score"] = self._options.score(totals, length)
        new["total"], new["node"], new["symbol"] = totals, nodes, tokens
        both = np.concatenate([self._ended[self._prompts], new], axis=2)
        order = np.argsort(-both["score"], axis=2, kind="stable")[:, :, : self._options.n]
        P, G = order.shape[:2]
        self._ended[self._prompts] = both[np.arange(P)[:, None, None], np.arange(G)[:, None], order]

    def _under_way(self, totals: Doubles, length: int) -> NDArray[np.bool_]:
        """Return whether each prompt has a group that may still find a better text.  # (P,)."""
        best = totals.max(axis=2)  # (P, G)
        worst_kept = self._ended["score"][self._prompts][:, :, -1]
        going = np.isfinite(best) & (worst_kept < self._options.bound(best, length))
        if self._options.early_stopping:
            going &= self._count[self._prompts] < self._width
        active: NDArray[np.bool_] = going.any(axis=1)
        return active

    def _move(self, going: NDArray[np.bool_], beams: Integers, tokens: Integers, totals: Doubles) -> None:
        """Read the chosen tokens of the prompts that stay active."""
        K, groups = self._totals.shape[2], np.arange(self._totals[..., 0].size).reshape(len(going), -1, 1)
        lanes = (groups[going] * K + beams).reshape(-1)  # the lane of the parent of each beam
        parents, flat = self._nodes.reshape(-1)[lanes], tokens.reshape(-1)
        guides = None
        if self._automaton is not None:
            guides = self._automaton.step(self._tree.guides(parents), flat)
            guides[np.isneginf(totals.reshape(-1))] = DEAD
        self._nodes = self._tree.append(parents, flat, totals.reshape(-1), guides).reshape(totals.shape)
        self._totals, self._prompts = totals, self._prompts[going]
        state = np.ascontiguousarray(self._state[:, :, lanes])
        logits, self._state = self._network.forward(flat.astype(np.int32)[None], state)
        self._logits = logits[0]

    def _best(self, groups: NDArray[np.void]) -> list[Outcome]:
        """Return n different texts, the best first: the best of each group, then the second, and so on."""
        different: dict[bytes, Outcome] = {}
        for place in groups.T:
            for outcome in self._outcomes(place[np.isfinite(place["score"])]):
                if len(different) < self._options.n:
                    different.setdefault(outcome.ids.tobytes() + bytes([outcome.ended]), outcome)
        return sorted(different.values(), key=lambda outcome: -outcome.score)

    def _outcomes(self, ended: NDArray[np.void]) -> Iterator[Outcome]:
        return self._tree.outcomes(
            ended["node"],
            ended["symbol"],
            ended["total"],
            ended["score"],
            eos_id=self._network.eos_id,
            guided=self._automaton is not None,
        )


def best_first(values: Doubles, count: int) -> Integers:
    """Return the places of the greatest values of each row (N, M), the greatest first.  # (N, count or M)."""
    count = min(count, values.shape[1])
    rows = np.arange(len(values))[:, None]
    places = np.argpartition(-values, count - 1, axis=1)[:, :count]
    places.sort(axis=1)  # on a tie, the first
    best: Integers = places[rows, np.argsort(-values[rows, places], axis=1, kind="stable")]
    return best
