"""The best evaluation, and the end of a run that does not get better."""

from unspool._training.checkpoints import RunProgress


def note_evaluation(progress: RunProgress, bits_per_character: float | None, *, decides: bool = True) -> bool:
    """Enter an evaluation into the progress.

    Args:
        progress: The progress of the run; `best`, `best_step` and `evaluations_without_gain` are changed in
            place.
        bits_per_character: Bits per character of the held-out text, or None if nothing is held out; then the
            last evaluation is the best.
        decides: Whether the held-out text decides which evaluation is the best; otherwise it is the last one.

    Returns:
        Whether this is the best evaluation so far.
    """
    bits, best = bits_per_character, progress.best
    better = bits is None or best is None or not decides or bits < best
    if better:
        progress.best, progress.best_step = bits_per_character, progress.step
        progress.evaluations_without_gain = 0
    else:
        progress.evaluations_without_gain += 1
    return better


def out_of_patience(progress: RunProgress, patience: int | None) -> bool:
    """Return whether the last `patience` evaluations were no better than the best; None never ends a run."""
    return patience is not None and progress.evaluations_without_gain >= patience
