"""The best evaluation, and the end of a run that does not get better."""

from unspool._training.checkpoints import RunProgress


def note_evaluation(progress: RunProgress, bits_per_character: float | None) -> bool:
    """Enter an evaluation into the progress.

    Args:
        progress: The progress of the run; `best`, `best_step` and `evaluations_without_gain` are changed in
            place.
        bits_per_character: Bits per character of the held-out text, or None if nothing is held out; then the
            last evaluation is the best.

    Returns:
        Whether this is the best evaluation so far.
    """
    better = bits_per_character is None or progress.best is None or bits_per_character < progress.best
    if better:
        progress.best, progress.best_step = bits_per_character, progress.step
        progress.evaluations_without_gain = 0
    else:
        progress.evaluations_without_gain += 1
    return better


def out_of_patience(progress: RunProgress, patience: int | None) -> bool:
    """Return whether the last `patience` evaluations were no better than the best; None never ends a run."""
    return patience is not None and progress.evaluations_without_gain >= patience
