"""The rows of ``unspool score``, one for each text, in plain JSON types, and their order."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from unspool._cli.output.printing import finite
from unspool._configuration import check, is_whole

if TYPE_CHECKING:
    from unspool._evaluation.guess_numbers import GuessNumbers
    from unspool._evaluation.likelihood_ratio import LikelihoodRatio
    from unspool._evaluation.scorer import Scorer, TextScore
    from unspool._text.records import Record

Row = dict[str, Any]

MEASURES: tuple[str, ...] = ("bits-per-character", "logprob", "ratio")  # the last one beside --against
ORDERS: tuple[str, ...] = ("best", "worst")  # first

# The attributes of a score, of two models' scores and of a guess number that a row has.
FIGURES = ("bits_per_character", "total_logprob", "unknown")
OF_RATIOS = ("log_likelihood_ratio", "dropped")
OF_GUESSES = ("guess_number", "log2_guess_number", "standard_error", "percentile", "lower_bound")


@dataclass(frozen=True)
class RowScoring:
    """The scoring of texts in rows.

    Args:
        scorer: The scorer of the model.
        against: The scorer of another model to compare with, or None.
        guesses: The samples for estimates of guess numbers, or None.
        per_symbol: Whether the rows have figures for each symbol.
    """

    scorer: "Scorer"
    against: "Scorer | None" = None
    guesses: "GuessNumbers | None" = None
    per_symbol: bool = False

    @property
    def columns(self) -> list[str]:
        """Return the names of the single figures of a row, and of the text at the end."""
        compared = [f"against_{name}" for name in FIGURES] + [*OF_RATIOS]
        return [*FIGURES, *(compared if self.against else ()), *(OF_GUESSES if self.guesses else ()), "text"]

    def rows(self, texts: "Iterable[str] | Iterable[Record]", *, first: int = 0) -> Iterator[Row]:
        """Score texts, a block at a time; `first` is the number of texts before them, for messages."""
        from unspool._evaluation.scorer import blocks, text_of

        done = first
        for block in blocks(texts):
            yield from map(self._row, map(text_of, block), self._scores(block, done))
            done += len(block)

    def _scores(
        self, block: "list[str | Record]", first: int
    ) -> "Iterator[TextScore] | Iterator[LikelihoodRatio]":
        if self.against is None:
            return self.scorer.scores(block, first=first)
        from unspool._evaluation.likelihood_ratio import likelihood_ratios

        texts = [text if isinstance(text, str) else text.text for text in block]
        return likelihood_ratios(self.scorer, self.against, texts, first=first)

    def _row(self, text: str, result: "TextScore | LikelihoodRatio") -> Row:
        score: TextScore = result if self.against is None else result.score  # type: ignore[union-attr,assignment]
        row = {name: getattr(score, name) for name in FIGURES}
        if self.against:
            row |= {f"against_{name}": getattr(result.against, name) for name in FIGURES}  # type: ignore[union-attr]
            row |= {name: getattr(result, name) for name in OF_RATIOS}
        if self.guesses:
            number = self.guesses.of(score.total_logprob)
            row |= {name: finite(getattr(number, name)) for name in OF_GUESSES}
        row["text"] = text
        if self.per_symbol:
            row |= self._symbols(text, score)
        return row

    def _symbols(self, text: str, score: "TextScore") -> Row:
        from unspool._evaluation.surprisal import surprisal_of

        one = surprisal_of(text, score, self.scorer.tokenizer, unknown=self.scorer.rule)
        return {
            "text": one.text,
            "symbols": list(one.symbols),
            "bits": [round(bits, 4) for bits in one.bits.tolist()],
            "spans": one.spans.tolist(),
            "replaced": one.replaced.tolist(),
        }


def chosen(rows: Iterable[Row], *, sort: str | None, by: str | None, top: int | None) -> Iterator[Row]:
    """Sort rows, and keep the first of them.

    Args:
        rows: The rows.
        sort: "best" or "worst" first; None for no sorting.
        by: A name in `MEASURES`; None for the ratio if there is one, else bits per character.
        top: Number of rows to keep, ≥ 1; None for all. Without `sort`, the best are kept.

    Raises:
        ConfigError: If a value is out of its range.
    """
    from unspool._evaluation.ranking import in_order, smallest

    check("sort", sort, " or ".join(ORDERS), sort in (None, *ORDERS))
    check("top", top, "a whole number ≥ 1", top is None or is_whole(top, least=1))
    if sort is None and top is None:
        return iter(rows)
    key = key_of(by, worst=sort == "worst")
    return in_order(rows, key) if top is None else iter(smallest(rows, key, top))


def check_measure(by: str | None, *, ratio: bool) -> str:
    """Return the measure that rows are sorted by.

    Args:
        by: A name in `MEASURES`; None for the ratio if there is one, else bits per character.
        ratio: Whether there is a model to compare with.

    Raises:
        ConfigError: If there is no such measure, or it needs a model to compare with.
    """
    name = by or ("ratio" if ratio else "bits-per-character")
    known = [measure for measure in MEASURES if ratio or measure != "ratio"]
    check("by", by, f"{' or '.join(known)}{'' if ratio else ' (ratio needs --against)'}", name in known)
    return name


def key_of(by: str | None, *, worst: bool) -> Callable[[Row], float]:
    """Return the key function of a sort; a text without a figure comes last in both orders."""
    column, sign = {
        "bits-per-character": ("bits_per_character", 1),
        "logprob": ("total_logprob", -1),
        "ratio": ("log_likelihood_ratio", -1),
    }[by or "bits-per-character"]
    turned = -sign if worst else sign

    def key(row: Row) -> float:
        return math.inf if row[column] is None else turned * row[column]

    return key


def whole_texts(records: "Iterable[Record]") -> Iterator[str]:
    """Yield whole texts, also of records in pieces."""
    from unspool._text.whole_records import whole_records

    return (record.text for record in whole_records(records))


def numbered(rows: Iterable[Row], seen: Callable[[int, int], None]) -> Iterator[Row]:
    """Yield rows, and call `seen` with the number of rows and of characters so far."""
    characters = 0
    for number, row in zip(count(1), rows, strict=False):
        characters += len(row["text"])
        seen(number, characters)
        yield row
