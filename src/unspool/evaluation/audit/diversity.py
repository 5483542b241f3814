"""How much generated texts repeat each other: distinct-n and self-BLEU.

Both are counted exactly over all texts. They depend on how many texts there are and how long they are, so
they say something only beside the same figures of as many real texts.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from unspool.text.tokenizers.word_tokens import split_words

ORDERS = (1, 2, 3, 4)
EPSILON = 0.1  # counted in place of no match at all, so that one missing order is not the end of the product

Tokens = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """Tell how various texts are.

    Args:
        distinct_characters: Different n-grams of characters over all of them, for n of `ORDERS`.
        distinct_words: The same of words.
        self_bleu_characters: Mean BLEU-4 of each text against all others, by characters; None for fewer
            than two texts.
        self_bleu_words: The same by words.
        texts: Texts counted, empty ones left out.
    """

    distinct_characters: tuple[float | None, ...]
    distinct_words: tuple[float | None, ...]
    self_bleu_characters: float | None
    self_bleu_words: float | None
    texts: int


def measure_diversity(texts: Sequence[str]) -> Diversity:
    """Measure how various texts are, by characters and by words (white space not being one)."""
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
    """Count different n-grams over all n-grams (Li et al., "A Diversity-Promoting Objective …", 2016).

    Args:
        texts: Texts as characters or lists of words.
        n: Tokens of an n-gram, ≥ 1.

    Returns:
        A share in (0, 1]; None where no text has n tokens.
    """
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        grams = ngrams(text, n)
        seen.update(grams)
        total += len(grams)
    return len(seen) / total if total else None


def ngrams(tokens: Tokens, n: int) -> list[tuple[str, ...]]:
    """List the n-grams of a text in their order."""
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


def self_bleu(texts: Sequence[Tokens]) -> float | None:
    """Average the BLEU of each text with all others as its references (Zhu et al., "Texygen", 2018).

    BLEU is the geometric mean of the clipped precisions of 1- to 4-grams times the brevity penalty (Papineni
    et al., 2002), where an order without a match counts `EPSILON` of one (Chen and Cherry, "A Systematic
    Comparison of Smoothing Techniques …", 2014, method 1). A clipped count needs only the two largest counts
    of an n-gram over all texts, so the cost grows with the texts, not with their pairs.

    Args:
        texts: Texts as characters or lists of words.

    Returns:
        From 0, no text like any other, to 1, all the same; None for fewer than two texts.
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
    """Find the largest and the second largest count of each n-gram over all texts."""
    found: Largest = {}
    for grams in counts:
        for gram, count in grams.items():
            first, second = found.get(gram, (0, 0))
            if count > first:
                found[gram] = (count, first)
            elif count > second:
                found[gram] = (first, count)
    return found


def _bleu(length: int, counts: Sequence[Grams], largest: Sequence[Largest], lengths: Counter[int]) -> float:
    """Score one text against all others, whose counts and lengths include its own."""
    logs = []
    for n, grams, top in zip(ORDERS, counts, largest, strict=True):
        matches = sum(min(count, _among_others(count, *top[gram])) for gram, count in grams.items())
        if n == 1 and not matches:
            return 0.0
        logs.append(math.log((matches or EPSILON) / max(1, length - n + 1)))
    others = lengths - Counter({length: 1})
    nearest = min(others, key=lambda other: (abs(other - length), other))
    brevity = 0.0 if length > nearest else 1 - nearest / length
    return math.exp(brevity + math.fsum(logs) / len(logs))


def _among_others(count: int, first: int, second: int) -> int:
    """Give the largest count among the other texts."""
    return second if count == first else first
