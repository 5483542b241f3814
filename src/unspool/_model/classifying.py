"""What a model takes texts for: it scores them under each value of an attribute."""

from collections.abc import Iterable, Iterator

import numpy as np

from unspool._configuration import check
from unspool._evaluation.classifying import Classification, classified
from unspool._model.conditioning import conditioned_on
from unspool._model.parts import ModelParts
from unspool._model.scoring import make_scorer
from unspool._text.tokenizers.unknown import Unknown


def classifications(
    parts: ModelParts, texts: Iterable[str], by: str, *, prior: bool, unknown: Unknown | None
) -> Iterator[Classification]:
    """Yield which value of an attribute each text has; see `Generator.classify`."""
    attribute = parts.schema.attribute(by)
    check("by", by, "an attribute with named values, not a number", not attribute.is_number)
    scorers = {
        value: make_scorer(conditioned_on(parts, {by: value}), unknown=unknown) for value in attribute.values
    }
    counts = np.array(attribute.counts, np.float64)
    yield from classified(texts, scorers, counts / counts.sum() if prior else None)
