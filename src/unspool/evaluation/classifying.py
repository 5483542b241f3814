"""What a model takes texts for: Bayes' rule over their probabilities."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from unspool.configuration import check
from unspool.evaluation.scorer import blocks
from unspool.evaluation.scoring import Scoring, texts_of
from unspool.text.tokenizers.unknown_symbols import Unknown


@dataclass(frozen=True, slots=True)
class Classification:
    """Tell what a text is taken for.

    Args:
        value: The most probable value.
        probabilities: The probability of each value given the text; together 1.
    """

    value: str
    probabilities: dict[str, float]


class Classifying(Scoring):
    """Classify texts with a network that the class on top of this one holds."""

    def classify(
        self, texts: Iterable[str], by: str, *, prior: bool = True, unknown: Unknown | None = None
    ) -> list[Classification]:
        """Tell which value of an attribute texts have, by Bayes' rule over their probabilities.

        p(value | text) is proportional to p(text | value) p(value).

        Args:
            texts: The texts.
            by: The attribute; it must be a categorical one.
            prior: Whether p(value) is its share of the training texts; else all values are as probable.
            unknown: What becomes of symbols that the model does not know, as in `score`.

        Raises:
            ConfigError: If there is no such attribute, or it is a number.
            UnknownSymbolError: If a text has a symbol that the model does not know, and that is an error.
        """
        return list(self.classifications(texts_of("texts", texts), by, prior=prior, unknown=unknown))

    def classifications(
        self, texts: Iterable[str], by: str, *, prior: bool = True, unknown: Unknown | None = None
    ) -> Iterator[Classification]:
        """Do as `classify` does for a stream of any length."""
        attribute = self.schema.attribute(by)
        check("by", by, "an attribute with values; a number has none", not attribute.is_number)
        scorers = [self.given({by: value}).scorer(unknown=unknown) for value in attribute.values]
        counts = np.array(attribute.counts, np.float64)
        priors = np.log(counts / counts.sum()) if prior else np.zeros(len(counts))
        done = 0
        for block in blocks(texts):
            columns = [[s.total_logprob for s in scorer.scores(block, first=done)] for scorer in scorers]
            done += len(block)
            for row in np.array(columns).T + priors:
                shares = np.exp(row - row.max())
                shares /= shares.sum()
                named = dict(zip(attribute.values, shares.tolist(), strict=True))
                yield Classification(max(named, key=lambda value: named[value]), named)
