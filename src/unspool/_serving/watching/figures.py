"""The figures of a training in bounded space: curves that keep their shape and extremes, and the last texts.

What is read may have been written by anybody, so a line counts only if its values can be those of a training.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from unspool._training.records import ChangeRecord, EvaluationRecord, FinishRecord, SampleRecord, StepRecord

LEAST_SPANS = 512  # of a long curve; at most twice as many are kept
MOST_EVALUATIONS = 1024
MOST_SAMPLES = 120
MOST_CHANGES = 50
LONGEST_TEXT = 1_000  # characters of a sample that are kept
LARGEST_STEP = 1 << 53  # beyond it a browser has no whole numbers
LARGEST = 1e30  # of any other figure

# Of neighbouring steps: how many there are; step, seconds and characters at their end; mean, least and
# greatest bits per character.
Span: TypeAlias = tuple[int, int, float, float, float, float, float]
EVALUATION_KEYS = ("training_bits_per_character", "bits_per_character", "seconds", "exact")
STEP_KEYS = ("progress", "learning_rate", "grad_norm", "characters_per_second")


class Spans:
    """A curve of any length in few spans: each is of the same number of neighbouring steps.

    Args:
        least: The least number of spans of a long curve.
    """

    def __init__(self, least: int = LEAST_SPANS) -> None:
        self._least, self._width = least, 1
        self._spans: list[Span] = []
        self._pending: Span | None = None

    def add(self, step: int, seconds: float, characters: float, bits: float) -> None:
        """Add the next step."""
        new: Span = (1, step, seconds, characters, bits, bits, bits)
        self._pending = new if self._pending is None else joined(self._pending, new)
        if self._pending[0] == self._width:
            self._spans.append(self._pending)
            self._pending = None
        if len(self._spans) == 2 * self._least:
            pairs = zip(self._spans[::2], self._spans[1::2], strict=True)
            self._spans = [joined(first, second) for first, second in pairs]
            self._width *= 2

    def all(self) -> list[Span]:
        """Return the spans so far; the last one may be of fewer steps."""
        return [*self._spans, *([] if self._pending is None else [self._pending])]

    def last(self) -> Span | None:
        """Return the last span; None before there is one."""
        return self._pending or (self._spans[-1] if self._spans else None)


def joined(first: Span, second: Span) -> Span:
    """Return two neighbouring spans as one."""
    count = first[0] + second[0]
    mean = (first[0] * first[4] + second[0] * second[4]) / count
    return (count, *second[1:4], mean, min(first[5], second[5]), max(first[6], second[6]))


class Figures:
    """The figures of a training, or of a part of it.

    Args:
        after: The figures of what came before this part; None for the beginning, or where they are not known.

    Attributes:
        training: The curve of the steps.
        evaluations: The evaluations, in JSON types; of very many, the lower of two neighbours is kept.
        samples: The last texts that the network wrote.
        changes: The last changes of the run.
        finish: The end of the run; None while it has none.
        step: The last step.
        epoch: Its epoch.
        seconds: Wall time of the run.
        broken: How many lines were none.
        read: How many lines were read.
    """

    def __init__(self, after: "Figures | None" = None) -> None:
        self._reached = None if after is None else after.reached
        self.training = Spans()
        self.evaluations: list[dict[str, Any]] = []
        self.samples: deque[dict[str, Any]] = deque(maxlen=MOST_SAMPLES)
        self.changes: deque[dict[str, Any]] = deque(maxlen=MOST_CHANGES)
        self.finish: dict[str, Any] | None = None
        self._last: Mapping[str, Any] | None = None
        self.step, self.epoch, self.seconds = 0, 0, 0.0
        self.broken, self.read = 0, 0

    @property
    def reached(self) -> tuple[int, float] | None:
        """Step and characters at the last step; None before there is one."""
        last = self.training.last()
        return self._reached if last is None else (last[1], last[3])

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line of metrics.jsonl; what cannot be one is counted as broken."""
        kind, step, epoch = line.get("kind"), _whole(line.get("step")), _whole(line.get("epoch"))
        add = KINDS.get(kind) if isinstance(kind, str) else None
        seconds = _real(line.get("seconds")) or 0.0
        if add is None or step is None or epoch is None or not add(self, line, step, epoch, seconds):
            self.broken += 1
            return
        self.step, self.epoch = max(self.step, step), max(self.epoch, epoch)
        self.seconds = max(self.seconds, seconds)

    @property
    def last(self) -> dict[str, float | None] | None:
        """Progress, learning rate and speed at the last step; None before there is one."""
        return None if self._last is None else {key: _real(self._last.get(key)) for key in STEP_KEYS}

    @property
    def best(self) -> dict[str, Any] | None:
        """The evaluation with the fewest bits per character of held-out text; None without any."""
        measured = [one for one in self.evaluations if one["bits_per_character"] is not None]
        return min(measured, key=lambda one: one["bits_per_character"], default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures in JSON types."""
        return {
            "training": [_rounded(span) for span in self.training.all()],
            "evaluations": self.evaluations,
            "samples": list(self.samples),
            "changes": list(self.changes),
            "finish": self.finish,
            "last": self.last,
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "broken": self.broken,
        }

    def _step(self, line: Mapping[str, Any], step: int, epoch: int, seconds: float) -> bool:
        bits = _real(line.get("bits_per_character"))
        reached = self.reached
        if bits is None or (reached is not None and step <= reached[0]):
            return False
        self.training.add(step, seconds, _real(line.get("characters")) or 0.0, bits)
        self._last, self.finish = line, None
        return True

    def _evaluation(self, line: Mapping[str, Any], step: int, epoch: int, seconds: float) -> bool:
        values = {key: _real(line.get(key)) for key in EVALUATION_KEYS}
        if values["training_bits_per_character"] is None:
            return False
        if self.evaluations and step < self.evaluations[-1]["step"]:
            return False
        characters = None if self.reached is None else self.reached[1]
        best = line.get("best") is True
        self.evaluations.append(
            {"step": step, "epoch": epoch, "characters": characters, "best": best, **values}
        )
        if len(self.evaluations) > MOST_EVALUATIONS:
            *earlier, previous, newest = self.evaluations
            pairs = zip(earlier[::2], earlier[1::2], strict=False)
            odd = earlier[len(earlier) // 2 * 2 :]
            self.evaluations = [*(min(pair, key=_height) for pair in pairs), *odd, previous, newest]
        return True

    def _sample(self, line: Mapping[str, Any], step: int, epoch: int, seconds: float) -> bool:
        texts = {key: line.get(key) for key in ("prompt", "text", "source")}
        temperature = _real(line.get("temperature"))
        if not isinstance(texts["text"], str) or temperature is None:
            return False
        cut = {key: text[:LONGEST_TEXT] if isinstance(text, str) else None for key, text in texts.items()}
        self.samples.append({"step": step, "epoch": epoch, "temperature": temperature, **cut})
        return True

    def _change(self, line: Mapping[str, Any], step: int, epoch: int, seconds: float) -> bool:
        changes = line.get("changes")
        if not isinstance(changes, dict):
            return False
        words = {str(name)[:100]: str(value)[:200] for name, value in list(changes.items())[:MOST_CHANGES]}
        self.changes.append({"step": step, "epoch": epoch, "changes": words})
        return True

    def _finish(self, line: Mapping[str, Any], step: int, epoch: int, seconds: float) -> bool:
        reason = line.get("reason")
        if not isinstance(reason, str):
            return False
        best, best_step = _real(line.get("best_bits_per_character")), _whole(line.get("best_step"))
        self.finish = {
            "step": step, "epoch": epoch, "reason": reason[:100], "seconds": seconds,
            "best_step": best_step, "best_bits_per_character": best,
        }  # fmt: skip
        return True


KINDS: dict[str, Callable[[Figures, Mapping[str, Any], int, int, float], bool]] = {
    StepRecord.kind: Figures._step,
    EvaluationRecord.kind: Figures._evaluation,
    SampleRecord.kind: Figures._sample,
    ChangeRecord.kind: Figures._change,
    FinishRecord.kind: Figures._finish,
}


def _rounded(span: Span) -> Span:
    """Return a span with as many digits as a picture shows."""
    bits = (round(span[4], 5), round(span[5], 5), round(span[6], 5))
    return (span[0], span[1], round(span[2], 3), round(span[3]), *bits)


def _height(evaluation: Mapping[str, Any]) -> float:
    bits = evaluation["bits_per_character"]
    return float(evaluation["training_bits_per_character"] if bits is None else bits)


def _whole(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < LARGEST_STEP else None


def _real(value: object) -> float | None:
    if type(value) is float or type(value) is int:  # not a bool
        return float(value) if abs(value) < LARGEST else None
    return None
