"""Divide the minutes of a command: reading and choosing, reading again, learning, evaluating."""

from dataclasses import dataclass

from unspool._errors import ConfigError
from unspool._planning.facts import CorpusFacts

MOST_EVALUATIONS, FEWEST_EVALUATIONS = 12, 2
EVALUATING = 0.06  # share of the time for evaluations on the held-out text
FORWARD = 3.0  # times as many tokens a second as in training: no backward pass and no update
BESIDES = 0.8  # seconds to make the network and its folder, and to write the files at the end
LEAST_LEARNING = 0.1  # share of the time that must be left for learning
USUAL_SHARE = 0.1  # share of the text that is usually held out
FEWEST_TEXTS = 20  # least number of texts of which a tenth is held out


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The seconds of a run and how they are divided.

    Args:
        total: Seconds of the whole command.
        spent: Seconds for reading and choosing, before the run begins.
        reading: Seconds to read the text again, to learn from it.
        evaluation: Seconds for each evaluation on the held-out text.
    """

    total: float
    spent: float
    reading: float
    evaluation: float

    @property
    def evaluations(self) -> int:
        """Return the number of evaluations: as many as are cheap. The last one comes after the learning."""
        affordable = EVALUATING * self.total / self.evaluation if self.evaluation else MOST_EVALUATIONS
        return max(FEWEST_EVALUATIONS, min(MOST_EVALUATIONS, int(affordable)))

    @property
    def run(self) -> float:
        """Return the seconds of the run before its last evaluation, with the earlier evaluations."""
        return self.total - self.spent - self.reading - self.evaluation - BESIDES

    @property
    def learning(self) -> float:
        """Return the seconds that are left for steps."""
        return self.run - (self.evaluations - 1) * self.evaluation

    @property
    def enough(self) -> bool:
        """Return whether there is enough time to learn."""
        return self.learning >= LEAST_LEARNING * self.total

    def refusal(self) -> ConfigError:
        """Return the error for a budget that is not enough."""
        rest = self.total - self.learning
        needed = f"at least {rest / (1 - LEAST_LEARNING) / 60:.2g}: reading and measuring take {rest:.2g} s"
        hint = "allow more minutes, or choose --epochs N, or --epochs none to stop by the clock only"
        return ConfigError("minutes", expected=needed, got=f"{self.total / 60:g}", hint=hint)


def held_out_share(facts: CorpusFacts, *, total: float, speed: float) -> float | None:
    """Choose the share of a text to hold out.

    It is a tenth, or for a long text so much that it can be evaluated twice in a small part of the time, or
    None if there are too few texts.

    Args:
        facts: The facts about the text.
        total: Seconds of the whole command.
        speed: Tokens a second in training.
    """
    if not facts.document and facts.records < FEWEST_TEXTS:
        return None
    cheap = EVALUATING * total * FORWARD * speed / FEWEST_EVALUATIONS / facts.symbols
    return USUAL_SHARE if cheap >= USUAL_SHARE else float(f"{cheap:.1g}")
