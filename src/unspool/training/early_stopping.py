"""Which evaluation is the best, and when there is no hope of a better one."""

from unspool.training.checkpoints import RunProgress


def note_evaluation(progress: RunProgress, bits_per_character: float | None) -> bool:
    """Enter an evaluation into the progress.

    Args:
        progress: Changed in place: `best`, `best_step` and `evaluations_without_gain`.
        bits_per_character: Of the held-out text; None if nothing is held out: then the last is the best.

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
    """Tell whether `patience` evaluations have gone by without a better one; None never runs out."""
    return patience is not None and progress.evaluations_without_gain >= patience
