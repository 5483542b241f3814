"""Counts of contexts in plain Python: the twin of native/text/count.h and native/writing/counts.h."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unspool._kernels.counts import CountTable

Context = tuple[int, ...]  # the oldest symbol first


class PlainCounts:
    """What follows each context of a text, with modified Kneser-Ney smoothing."""

    def __init__(self, ids: Sequence[int], *, vocab_size: int, order: int, end_id: int, least: int) -> None:
        self.vocab_size, self.order, self.end_id = vocab_size, order, end_id
        occurs, followed, older = Counter[Context](), defaultdict[Context, Counter[int]](Counter), set()
        for place, token in enumerate(ids):
            before = [end_id, *ids[:place]]
            for length in range(min(order, len(before)) + 1):
                context = tuple(before[len(before) - length :])
                occurs[context] += 1
                if length == order or context[:1] == (end_id,):
                    followed[context][token] += 1  # nothing longer is known of it
                    break
                older.add((before[len(before) - length - 1], context, token))
        for _, context, token in older:
            followed[context][token] += 1
        self.followed = {c: followed[c] for c in occurs if not c or occurs[c] >= least}
        self.discounts = [self._discounts(length) for length in range(order + 1)]

    def _discounts(self, length: int) -> list[float]:
        kinds = Counter(n for c, tokens in self.followed.items() if len(c) == length for n in tokens.values())
        share = kinds[1] / (kinds[1] + 2 * kinds[2]) if kinds[1] else 1.0
        more = [(k + 1) * share * kinds[k + 1] / kinds[k] if kinds[k] else 0.0 for k in (1, 2, 3)]
        return [min(max(k - less, 0.1), k - 0.05) for k, less in zip((1, 2, 3), more, strict=True)]

    def probabilities(self, read: Sequence[int]) -> tuple[NDArray[np.float64], int]:
        """Return the probability of every id after these symbols, and which weights count there."""
        known = [()]
        while len(known) <= min(self.order, len(read)):
            longer = tuple(read[len(read) - len(known) :])
            if longer not in self.followed or (len(known) > 1 and known[-1][0] == self.end_id):
                break
            known.append(longer)
        found = np.full(self.vocab_size, 1 / (self.vocab_size - 1))
        found[0] = 0
        for context in known:
            tokens, discounts = self.followed[context], self.discounts[len(context)]
            total, left = sum(tokens.values()), 0.0
            own = np.zeros(self.vocab_size)
            for token, count in tokens.items():
                less = discounts[min(count, 3) - 1]
                own[token] = (count - less) / total
                left += less / total
            found = own + left * found
        return found, 2 * (len(known) - 1) + (len(self.followed[known[-1]]) == 1)

    def log_mixture(
        self, read: Sequence[int], logits: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log-probabilities (V,) of both together, without those of `<pad>`."""
        found, row = self.probabilities(read)
        own, counted = weights.reshape(-1, 2)[row]
        mixed = own * logits[1:] + counted * np.log(found[1:])
        return mixed - math.log(np.exp(mixed - mixed.max()).sum()) - mixed.max()


def contexts_of(table: CountTable) -> dict[Context, dict[int, int]]:
    """Return the contexts of a native table, and the counts of what follows each."""
    contexts: list[Context] = [()]
    for node in range(len(table.symbols)):
        for child in range(table.first_child[node], table.first_child[node + 1]):
            contexts.append((int(table.symbols[child]), *contexts[node]))
    first = table.first_entry
    return {
        context: dict(zip(table.tokens[a:b].tolist(), table.counts[a:b].tolist(), strict=True))
        for context, a, b in zip(contexts, first[:-1], first[1:], strict=True)
    }
