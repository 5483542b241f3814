"""How written rows compare with real ones: distributions, what they teach, and whether they are copies.

Each figure stands beside that of real rows which were held out: as near as these is as good as real.
Free texts count for exact copies alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._tables.row_form import Row, RowForm

BINS = 20  # of a column of numbers, each with as many of the learnt rows
PAIR_BINS = 8  # of a column in a pair
NEAREST = 1_000  # rows whose nearest learnt row is searched
STEPS, RATE, DECAY = 300, 0.5, 1e-4  # of a logistic regression by gradient descent
BLOCK = 1 << 22  # distances that are computed together

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RowComparison:
    """How some rows compare with those that were learnt.

    Args:
        marginals: Mean distance of the distributions of a column, from 0 to 1 (total variation).
        pairs: Likewise of pairs of columns.
        accuracy: How often a logistic regression that learnt from these rows tells the target of held-out
            rows; None without a target. For held-out rows it learns from the learnt ones.
        nearest: Median distance to the nearest learnt row: columns that differ, numbers by their share of the
            range.
        copies: Share of the rows that are a learnt row, but for keys.
        unique: Share of the rows that differ from each other.
    """

    marginals: float
    pairs: float
    accuracy: float | None
    nearest: float
    copies: float
    unique: float


class RowMatrix:
    """Rows as numbers, by what the learnt rows have.

    Args:
        form: The form of the rows.
        learnt: The learnt rows.
    """

    def __init__(self, form: RowForm, learnt: Sequence[Row]) -> None:
        self._form = form
        self.columns = [n for n in form.learnt if form.schema.columns[n].type != "text"]
        self.ordered = [form.schema.columns[n].type in ("whole", "decimal", "date") for n in self.columns]
        self.learnt = self.of(learnt)
        self._edges = [
            np.unique(np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1])) if ordered else None
            for values, ordered in zip(self.learnt.T, self.ordered, strict=True)
        ]

    def of(self, rows: Sequence[Row]) -> Floats:
        """Return rows as numbers; a missing value is not a number.  # (N, columns)."""
        return np.array([self._values(number, [row[number] for row in rows]) for number in self.columns]).T

    def _values(self, number: int, texts: Sequence[str]) -> list[float]:
        column, kind = self._form.schema.columns[number], self._form.types[number]
        if column.values:
            places = {value: float(place) for place, value in enumerate(column.values)}
            return [places.get(text, np.nan) for text in texts]
        found = [None if text in column.missing else kind.place(text) for text in texts]
        return [np.nan if v is None else float(v.toordinal() if isinstance(v, date) else v) for v in found]

    def bins(self, values: Floats, *, coarse: bool = False) -> Ints:
        """Return the bin of each value; a missing value has its own.  # (N, columns)."""
        found = []
        for column, edges in zip(values.T, self._edges, strict=True):
            if edges is not None:
                chosen = edges[:: max(1, len(edges) // PAIR_BINS)] if coarse else edges
                binned = np.searchsorted(chosen, column, side="right")
            else:
                binned = np.nan_to_num(column).astype(np.int64)
            found.append(np.where(np.isnan(column), -1, binned) + 1)
        return np.array(found, np.int64).T

    def features(self, values: Floats, target: int) -> Floats:
        """Return what a regression sees: numbers in their deviations, categories as one of several.

        Args:
            values: The rows.
            target: The column that it must tell.
        """
        parts: list[Floats] = [np.ones((len(values), 1))]
        for place, (column, ordered) in enumerate(zip(values.T, self.ordered, strict=True)):
            if place == target:
                continue
            if ordered:
                known = self.learnt[:, place]
                spread = np.nanstd(known) or 1.0
                parts.append(np.nan_to_num((column - np.nanmean(known)) / spread)[:, None])
            else:
                count = len(self._form.schema.columns[self.columns[place]].values)
                parts.append((column[:, None] == np.arange(count)).astype(float))
        return np.hstack(parts)

    def distances(self, values: Floats) -> Floats:
        """Return the distance of each row to the nearest learnt row.  # (N,)."""
        spans = np.array([
            np.nanmax(known) - np.nanmin(known) or 1.0 if ordered else 0.0
            for known, ordered in zip(self.learnt.T, self.ordered, strict=True)
        ])  # fmt: skip
        nearest, size = [], max(1, BLOCK // max(1, len(self.learnt)))
        for start in range(0, len(values), size):
            some = values[start : start + size]
            total = np.zeros((len(some), len(self.learnt)))
            for place, span in enumerate(spans):
                apart = np.abs(some[:, place, None] - self.learnt[None, :, place])
                far = apart / span if span else (apart > 0).astype(float)
                gaps = np.isnan(some[:, place, None]), np.isnan(self.learnt[None, :, place])
                total += np.where(gaps[0] & gaps[1], 0.0, np.where(gaps[0] | gaps[1], 1.0, far))
            nearest.append(total.min(axis=1))
        return np.concatenate(nearest)


def _variation(one: Ints, other: Ints) -> float:
    """Return the total variation of two samples of numbers from 0 on."""
    size = int(max(one.max(), other.max())) + 1
    shares = [np.bincount(part, minlength=size) / len(part) for part in (one, other)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _paired(bins: Ints, one: int, other: int) -> Ints:
    """Return a number for each pair of bins of two columns."""
    return bins[:, one] * (1 << 14) + bins[:, other]


def _regression(features: Floats, classes: Ints, count: int) -> Floats:
    """Return the weights of a logistic regression by gradient descent.  # (features, classes)."""
    weights = np.zeros((features.shape[1], count))
    speed, wanted = np.zeros_like(weights), np.eye(count)[classes]
    for _ in range(STEPS):
        logits = features @ weights
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        speed = 0.9 * speed - RATE * (features.T @ (shares - wanted) / len(features) + DECAY * weights)
        weights += 0.1 * speed
    return weights


def compare_rows(
    form: RowForm,
    learnt: Sequence[Row],
    held_out: Sequence[Row],
    written: Sequence[Row],
    *,
    target: str | None = None,
) -> dict[str, RowComparison]:
    """Compare written rows, and held-out real ones, with the rows that were learnt.

    Args:
        form: The form of the rows.
        learnt: Rows that were learnt, at least one.
        held_out: Real rows that were not, at least one.
        written: Rows that the model wrote, at least one.
        target: The column with categories that a regression tells from the others; None for the last.

    Returns:
        The comparison of the written rows, and of the held-out ones.

    Raises:
        ConfigError: If the target is no column with categories.
    """
    matrix = RowMatrix(form, learnt)
    aim = _target(form, matrix, target)
    known = {tuple(row[number] for number in form.learnt) for row in learnt}
    real = matrix.of(held_out)
    found = {}
    for name, rows in (("written", written), ("held out", held_out)):
        values = matrix.of(rows)
        teachers = values if name == "written" else matrix.learnt
        keys = [tuple(row[number] for number in form.learnt) for row in rows]
        found[name] = RowComparison(
            marginals=_mean_variation(matrix, values, 1),
            pairs=_mean_variation(matrix, values, 2),
            accuracy=None if aim is None else _accuracy(matrix, teachers, real, aim),
            nearest=float(np.median(matrix.distances(values[:NEAREST]))) if matrix.columns else 0.0,
            copies=sum(key in known for key in keys) / len(keys),
            unique=len(set(keys)) / len(keys),
        )
    return found


def _target(form: RowForm, matrix: RowMatrix, name: str | None) -> int | None:
    """Return the place of the target among the columns of the matrix; None if there is none."""
    names = [form.schema.columns[number].name for number in matrix.columns]
    able = [place for place, ordered in enumerate(matrix.ordered) if not ordered]
    if name is None:
        return able[-1] if able else None
    if name not in names or names.index(name) not in able:
        shown = ", ".join(repr(names[place]) for place in able)
        raise ConfigError("target", expected=f"a column with categories: {shown}", got=repr(name))
    return names.index(name)


def _mean_variation(matrix: RowMatrix, values: Floats, columns: int) -> float:
    """Return the mean variation between rows and the learnt ones, of columns or of pairs of them."""
    one, other = (matrix.bins(part, coarse=columns == 2) for part in (values, matrix.learnt))
    if columns == 1:
        apart = [_variation(one[:, i], other[:, i]) for i in range(one.shape[1])]
    else:
        pairs = combinations(range(one.shape[1]), 2)
        both = ((_paired(one, *pair), _paired(other, *pair)) for pair in pairs)
        apart = [_numbered_variation(*pair) for pair in both]
    return float(np.mean(apart)) if apart else 0.0


def _numbered_variation(one: Ints, other: Ints) -> float:
    _, numbers = np.unique(np.concatenate([one, other]), return_inverse=True)
    numbers = numbers.reshape(-1).astype(np.int64)
    return _variation(numbers[: len(one)], numbers[len(one) :])


def _accuracy(matrix: RowMatrix, teachers: Floats, real: Floats, target: int) -> float:
    """Return how often a regression that learnt from some rows tells the target of real ones."""
    taught, asked = (rows[~np.isnan(rows[:, target])] for rows in (teachers, real))
    if not len(taught) or not len(asked):
        return 0.0
    classes = taught[:, target].astype(np.int64)
    count = int(max(classes.max(), asked[:, target].max())) + 1
    weights = _regression(matrix.features(taught, target), classes, count)
    told = (matrix.features(asked, target) @ weights).argmax(axis=1)
    return float((told == asked[:, target]).mean())


FIGURES: Mapping[str, str] = {
    "marginals": "distributions of columns, apart",
    "pairs": "distributions of pairs, apart",
    "accuracy": "target told by a regression",
    "nearest": "distance to the nearest learnt row",
    "copies": "exact copies of a learnt row",
    "unique": "rows that differ from each other",
}
