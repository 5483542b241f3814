"""How much generated texts repeat each other: distinct-n and self-BLEU.

Both are counted exactly over all texts. They depend on the number of texts and their lengths, so they are
only meaningful beside the same measures of as many real texts.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from unspool._text.tokenizers.word_tokens import split_words

ORDERS = (1, 2, 3, 4)
EPSILON = 0.1  # counted in place of no match, so that one missing order does not make the product 0

Tokens = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """Measures of how much texts differ from each other.

    Args:
        distinct_characters: Share of different n-grams among all n-grams of characters, for each n of
            `ORDERS`.
        distinct_words: Share of different n-grams among all n-grams of words, for each n of `ORDERS`.
        self_bleu_characters: Mean BLEU-4 of each text against all others, by characters; None for fewer than
            two texts.
        self_bleu_words: Mean BLEU-4 of each text against all others, by words; None for fewer than two texts.
        texts: Number of texts that are not empty.
    """

    distinct_characters: tuple[float | None, ...]
    distinct_words: tuple[float | None, ...]
    self_bleu_characters: float | None
    self_bleu_words: float | None
    texts: int


def measure_diversity(texts: Sequence[str]) -> Diversity:
    """Measure how much texts differ, by characters and by words (white space is not a word)."""
    filled = [text for text in texts if text and not text.isspace()]
    words = [[word for word in split_words(text) if not word.isspace()] for text in filled]
    return Diversity(
        distinct_characters=tuple(distinct_n(filled, n) for n in ORDERS),
        distinct_words=tuple(distinct_n(words, n) for n in ORDERS),
        self_bleu_characters=self_bleu(filled),
        self_bleu_words=self_bleu(words),
        texts=len(filled),
    )


def distinct_n(texts: Sequence[Tokens], n: int) -> float | None:
    """Return different n-grams over all n-grams (Li et al., "A Diversity-Promoting Objective …", 2016).

    Args:
        texts: Texts, as characters or lists of words.
        n: Number of tokens in an n-gram, ≥ 1.

    Returns:
        A share in (0, 1]; None if no text has n tokens.
    """
    different: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        grams = ngrams(text, n)
        different.update(grams)
        total += len(grams)
    return len(different) / total if total else None


def ngrams(tokens: Tokens, n: int) -> list[tuple[str, ...]]:
    """Return the n-grams of a text in their order."""
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


def self_bleu(texts: Sequence[Tokens]) -> float | None:
    """Return the mean BLEU of each text against all other texts (Zhu et al., "Texygen", 2018).

    BLEU is the geometric mean of the clipped precisions of 1- to 4-grams times the brevity penalty (Papineni
    et al., 2002). An order without a match counts `EPSILON` of one (Chen and Cherry, "A Systematic Comparison
    of Smoothing Techniques …", 2014, method 1). A clipped count needs only the two largest counts of an
    n-gram over all texts, so the cost grows with the texts, not with their pairs.

    Args:
        texts: Texts, as characters or lists of words.

    Returns:
        A number from 0 (no text is like another) to 1 (all are the same); None for fewer than two texts.
    """
    if len(texts) < 2:
        return None
    counted = [[Counter(ngrams(text, n)) for n in ORDERS] for text in texts]
    largest = [_two_largest([counts[order] for counts in counted]) for order in range(len(ORDERS))]
    lengths = Counter(map(len, texts))
    scores = [_bleu(len(text), counts, largest, lengths) for text, counts in zip(texts, counted, strict=True)]
    return math.fsum(scores) / len(scores)


Grams = Counter[tuple[str, ...]]
Largest = dict[tuple[str, ...], tuple[int, int]]


def _two_largest(counts: Sequence[Grams]) -> Largest:
    """Return the largest and the second largest count of each n-gram over all texts."""
    largest: Largest = {}
    for grams in counts:
        for gram, count in grams.items():
            first, second = largest.get(gram, (0, 0))
            if count > first:
                largest[gram] = (count, first)
            elif count > second:
                largest[gram] = (first, count)
    return largest


def _bleu(length: int, counts: Sequence[Grams], largest: Sequence[Largest], lengths: Counter[int]) -> float:
    """Return the BLEU of one text against all others, from counts and lengths that include its own."""
    logs = []
    for n, grams, top in zip(ORDERS, counts, largest, strict=True):
        matches = sum(min(count, _among_others(count, *top[gram])) for gram, count in grams.items())
        if n == 1 and not matches:
            return 0.0
        logs.append(math.log((matches or EPSILON) / max(1, length - n + 1)))
    other_lengths = lengths - Counter({length: 1})
    nearest = min(other_lengths, key=lambda other: (abs(other - length), other))
    brevity = 0.0 if length > nearest else 1 - nearest / length
    return math.exp(brevity + math.fsum(logs) / len(logs))


def _among_others(count: int, first: int, second: int) -> int:
    """Return the largest count among the other texts."""
    return second if count == first else first
