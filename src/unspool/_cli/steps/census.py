"""The count of records, characters and symbols of a corpus, in one pass and little memory."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

from unspool._text.records import Records

SHOWN_SCRIPTS = 8
QUANTILES = {"shortest": 0.0, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "longest": 1.0}
SCRIPT_WORDS = {"CJK": "Han", "FULLWIDTH": "Latin", "HALFWIDTH": "Katakana"}


def take_census(records: Records, *, most: int) -> dict[str, Any]:
    """Count records, characters, symbols, lengths and scripts.

    Args:
        records: The corpus; read once.
        most: Number of most frequent characters to list.

    Returns:
        Plain JSON types: `description`, `document`, `split` (the parts into which the texts were cut, or
        None), `records`, `characters`, `alphabet`, `most_frequent` ([character, share] pairs), `scripts`
        ([name, share] pairs, of letters) and `lengths` (of texts).
    """
    symbols: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    length = 0
    for record in records:
        symbols.update(record.text)
        length += len(record.text)
        if record.ends:
            lengths[length] += 1
            length = 0
    if length:
        lengths[length] += 1
    characters = symbols.total()
    return {
        "description": records.description,
        "document": records.document,
        "split": records.spec.get("split"),
        "records": lengths.total(),
        "characters": characters,
        "alphabet": len(symbols),
        "most_frequent": [[symbol, count / characters] for symbol, count in symbols.most_common(most)],
        "scripts": scripts(symbols),
        "lengths": {name: quantile(lengths, share) for name, share in QUANTILES.items()},
    }


def quantile(lengths: Mapping[int, int], share: float) -> int:
    """Return the length that this share of the texts does not exceed."""
    rank = share * (sum(lengths.values()) - 1)
    seen = 0
    for length in sorted(lengths):
        seen += lengths[length]
        if seen > rank:
            return length
    return 0


def scripts(symbols: Mapping[str, int]) -> list[list[Any]]:
    """Return the share of each script among the letters, the most frequent first.

    The script of a letter is the first word of its Unicode name, which is right for nearly all letters.
    """
    counts: Counter[str] = Counter()
    for symbol, count in symbols.items():
        if unicodedata.category(symbol).startswith("L"):
            word = unicodedata.name(symbol, "OTHER").split()[0]
            counts[SCRIPT_WORDS.get(word, word.capitalize())] += count
    total = max(1, counts.total())
    return [[name, count / total] for name, count in counts.most_common(SHOWN_SCRIPTS)]
