"""Learn which neighbouring symbols to put together: byte pair encoding, on characters.

Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016): the most
frequent pair of neighbours in the texts becomes a symbol, again and again. Only pieces in which a pair was
put together are counted anew, so that a hundred megabytes take seconds.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

from unspool._interruptible import check_wanted

LONGEST = 64  # characters of a piece that is learnt from
# Pairs are inside of words, numbers and runs of marks, each with the space before it.
PIECE = re.compile(r" ?[^\W\d]+| ?\d+| ?[^\w\s]+|\s")

Pair = tuple[str, str]


def count_pieces(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word, number, run of marks or white space is in texts.

    Args:
        texts: The texts.
    """
    pieces: Counter[str] = Counter()
    for text in texts:
        pieces.update(PIECE.findall(text))
    return pieces


def learn_symbols(pieces: Mapping[str, int], most: int) -> list[str]:
    """Return the symbols of pieces: characters beyond ASCII, then pairs in the order of their discovery.

    Args:
        pieces: How often each piece was counted.
        most: The most symbols. The characters may take half of them; a rarer one is left to its bytes.

    Example:
        >>> learn_symbols({"lower": 2, "low": 5, "lö": 1}, 4)
        ['ö', 'lo', 'low', 'we']
    """
    alphabet: Counter[str] = Counter()
    for piece, count in pieces.items():
        for character in piece:
            alphabet[character] += count
    far = [character for character, _ in alphabet.most_common() if not character.isascii()]
    symbols = far[: most // 2]
    known = {*symbols, *filter(str.isascii, alphabet)}
    merges = _Merges(_spelled(pieces, known))
    while len(symbols) < most and (pair := merges.best()):
        merges.put_together(pair)
        symbols.append("".join(pair))
        check_wanted()
    return list(dict.fromkeys(symbols))


def _spelled(pieces: Mapping[str, int], known: set[str]) -> Counter[tuple[str, ...]]:
    """Return how often each run of known characters is in pieces."""
    runs: Counter[tuple[str, ...]] = Counter()
    for piece, count in pieces.items():
        run: list[str] = []
        for character in piece[:LONGEST]:
            if character in known:
                run.append(character)
            else:
                runs[tuple(run)] += count
                run = []
        runs[tuple(run)] += count
    return runs


class _Merges:
    """Runs of symbols, how often each pair of neighbours is in them, and where."""

    def __init__(self, runs: Mapping[tuple[str, ...], int]) -> None:
        several = {run: count for run, count in runs.items() if len(run) > 1}
        self._runs = [list(run) for run in several]
        self._counts = list(several.values())
        self._pairs: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for place in range(len(self._runs)):
            self._add(place, 1)
        self._heap = [(-count, pair) for pair, count in self._pairs.items()]
        heapq.heapify(self._heap)

    def best(self) -> Pair | None:
        """Return the most frequent pair, of equal ones the first by letters; None if each is there once."""
        while self._heap:
            count, pair = heapq.heappop(self._heap)
            if self._pairs[pair] == -count:
                return pair if count < -1 else None
            if self._pairs[pair] > 0:  # it has become rarer since
                heapq.heappush(self._heap, (-self._pairs[pair], pair))
        return None

    def put_together(self, pair: Pair) -> None:
        """Make one symbol of a pair wherever it is."""
        changed: set[Pair] = set()
        for place in sorted(self._where.pop(pair)):
            self._add(place, -1)
            self._runs[place] = _merged(self._runs[place], pair)
            changed |= self._add(place, 1)
        del self._pairs[pair]
        for other in changed:
            heapq.heappush(self._heap, (-self._pairs[other], other))

    def _add(self, place: int, sign: int) -> set[Pair]:
        """Count the pairs of a run, or take them away; return them."""
        run, count = self._runs[place], sign * self._counts[place]
        pairs = list(pairwise(run))
        for pair in pairs:
            self._pairs[pair] += count
            if sign > 0:
                self._where[pair].add(place)
        return set(pairs)


def _merged(run: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for symbol in run:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged
