"""Where the minutes of a command go: reading and choosing, reading again, learning, evaluating."""

from dataclasses import dataclass

from unspool.errors import ConfigError
from unspool.planning.facts import CorpusFacts

MOST_EVALUATIONS, FEWEST_EVALUATIONS = 12, 2
EVALUATING = 0.06  # share of the time for measuring the held-out text
FORWARD = 3.0  # times as many symbols a second as in training: there is no way back and no update
BESIDES = 0.8  # seconds for making the network and its folder, and for the files at the end
LEAST_LEARNING = 0.1  # share of the time below which it is refused as too short
USUAL_SHARE = 0.1  # of the text that is held out
FEWEST_TEXTS = 20  # of which a tenth can be held out


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Divide the seconds of a run.

    Args:
        total: All of them.
        spent: On reading and choosing, before the run begins.
        reading: For reading the text again, now to learn from it.
        evaluation: For each measurement of the held-out text.
    """

    total: float
    spent: float
    reading: float
    evaluation: float

    @property
    def evaluations(self) -> int:
        """Count the measurements, the last one after the learning: as many as are cheap."""
        affordable = EVALUATING * self.total / self.evaluation if self.evaluation else MOST_EVALUATIONS
        return max(FEWEST_EVALUATIONS, min(MOST_EVALUATIONS, int(affordable)))

    @property
    def run(self) -> float:
        """Give the seconds of the run until its last measurement, those on the way included."""
        return self.total - self.spent - self.reading - self.evaluation - BESIDES

    @property
    def learning(self) -> float:
        """Give the seconds that are left for steps."""
        return self.run - (self.evaluations - 1) * self.evaluation

    @property
    def enough(self) -> bool:
        """Tell whether there is time to learn at all."""
        return self.learning >= LEAST_LEARNING * self.total

    def refusal(self) -> ConfigError:
        """Make the error for a budget that is not enough."""
        rest = self.total - self.learning
        needed = f"{rest / (1 - LEAST_LEARNING) / 60:.2g} or more: reading and measuring take {rest:.2g} s"
        hint = "give more minutes, or say how to train: --epochs N, or --epochs none to go by the clock alone"
        return ConfigError("parameter minutes", expected=needed, got=f"{self.total / 60:g}", hint=hint)


def held_out_share(facts: CorpusFacts, *, total: float, speed: float) -> float | None:
    """Choose how much of a text to hold out.

    A tenth; of a long text so much that it can be measured twice in a small part of the time; None where
    there are too few texts to spare one.

    Args:
        facts: The text.
        total: Seconds of the whole command.
        speed: Symbols a second in training.
    """
    if not facts.document and facts.records < FEWEST_TEXTS:
        return None
    cheap = EVALUATING * total * FORWARD * speed / FEWEST_EVALUATIONS / facts.symbols
    return USUAL_SHARE if cheap >= USUAL_SHARE else float(f"{cheap:.1g}")
