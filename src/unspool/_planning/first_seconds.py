"""Check a plan in the first seconds of its run, and choose anew where it was far off."""

from dataclasses import replace

from unspool._planning.choosing import TrainingPlan
from unspool._planning.rule import largest_worth_its_time
from unspool._training.records import StepRecord, TrainingRecord

CHECKED = 0.05  # share of the time for training after which the plan is checked
FAR_OFF = 2.0  # times as fast or as slow as planned, from which on the network is chosen anew


class PlanMissedError(Exception):
    """A run that is as fast or as slow as no plan for it should be; it carries a better plan.

    Args:
        plan: The plan for the time that is left.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        super().__init__(*plan.reasons)
        self.plan = plan


class FirstSeconds:
    """A watcher of the records of a run, which adds up its steps until it is time to check the plan.

    What counts is the time of the steps alone, as it is in the measurement before the run.

    Args:
        plan: The plan of the run.
        symbols_per_character: Number of tokens for each character of the text.
    """

    def __init__(self, plan: TrainingPlan, *, symbols_per_character: float) -> None:
        self._plan, self._symbols_per_character = plan, symbols_per_character
        self._characters, self._seconds = 0, 0.0
        self._checked = False

    def __call__(self, record: TrainingRecord) -> None:
        """Take the next record.

        Raises:
            PlanMissedError: If it is time to check the plan, and another network is better.
        """
        if self._checked or not isinstance(record, StepRecord) or not record.characters_per_second:
            return
        self._seconds += (record.characters - self._characters) / record.characters_per_second
        self._characters = record.characters
        if record.seconds < CHECKED * 60 * (self._plan.training.minutes or 0) or not self._seconds:
            return
        self._checked = True
        speed = self._characters * self._symbols_per_character / self._seconds
        better = revised(self._plan, speed=speed, seconds=record.seconds)
        if better is not None:
            raise PlanMissedError(better)


def revised(plan: TrainingPlan, *, speed: float, seconds: float) -> TrainingPlan | None:
    """Return a better plan for the time that is left, or None if the plan is good enough.

    All timed networks are expected to be as much faster or slower as the chosen one turned out to be. What is
    held out stays: the text is split by now.

    Args:
        plan: The plan of the run.
        speed: Its real training speed, in tokens a second.
        seconds: Seconds that the run has taken until now.
    """
    basis, planned = plan.basis, plan.best
    if basis is None or planned is None or 1 / FAR_OFF <= speed / planned.speed <= FAR_OFF:
        return None
    validation = None if basis.validation is None else replace(basis.validation, seconds=0.0)
    now = replace(
        basis,
        facts=replace(basis.facts, seconds=0.0),  # it is read
        validation=validation,
        fixed={**basis.fixed, "validation_fraction": plan.training.validation_fraction},
        speeds=[each * speed / planned.speed for each in basis.speeds],
        spent=basis.spent + planned.budget.reading + seconds,
    )
    timed = now.candidates()
    best = largest_worth_its_time([each for each in timed if each.budget.enough] or timed[:1])
    if best.network == planned.network or best.budget.learning <= 0:
        return None
    begun = f"begun again with {best.network.hidden_size} units in place of {planned.network.hidden_size}"
    reason = (
        f"the first {seconds:.1f} s read {speed:,.0f} symbols a second, not {planned.speed:,.0f} as planned: "
        f"{begun}, {best.budget.run:,.0f} s are left"
    )
    return replace(now.plan(best), reasons=(reason,))
