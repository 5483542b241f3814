"""The lines of a training, as a user holds them: a list, a curve, a data frame."""

import json
from collections import Counter
from typing import Any

from unspool._screen.wording import counted
from unspool._training.folder.loss_curve import LossCurve
from unspool._views.frames import data_frame


class History(list[dict[str, Any]]):
    """The lines that a training wrote down: a dictionary for each step, evaluation and sample.

    Args:
        lines: The lines, in their order; each has a `kind`.

    Example:
        >>> from unspool import History
        >>> History([{"kind": "step", "step": 1, "bits_per_character": 4.5}])
        <History: 1 step>
    """

    def to_frame(self, library: str | None = None, *, kind: str | None = None) -> Any:
        """Return the lines as a data frame, a row for each, with a column for each key.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.
            kind: The only kind of lines, such as "evaluation"; None for all.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> evaluations = model.history.to_frame(kind="evaluation")
            >>> set(evaluations["kind"])
            {'evaluation'}
        """
        lines = [line for line in self if kind in (None, line.get("kind"))]
        columns = list(dict.fromkeys(key for line in lines for key in line))
        return data_frame(columns, map(_flat, lines), library)

    def svg(self, title: str = "Loss") -> str:
        """Return the loss curve of the training as an SVG document.

        Args:
            title: The title above the picture.

        Example:
            >>> "bits per character" in model.history.svg()
            True
        """
        curve = LossCurve()
        for line in self:
            curve.add(line)
        return curve.svg(title)

    def __repr__(self) -> str:
        """Return how many lines there are of each kind."""
        counts = Counter(str(line.get("kind")) for line in self)
        words = [counted(count, kind) for kind, count in counts.items()]
        return f"<{type(self).__name__}: {', '.join(words) or 'nothing'}>"

    def _repr_svg_(self) -> str | None:
        """Return the loss curve for a notebook; None if there is nothing to draw."""
        return self.svg() if any("bits_per_character" in line for line in self) else None


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line with its lists and objects as JSON, as a column of a data frame has one type."""
    return {
        key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in line.items()
    }
