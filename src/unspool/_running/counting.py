"""Count the text of a training that is over, and keep the counts in its folder."""

from unspool._artifacts import load_model
from unspool._artifacts.counts_file import save_counts
from unspool._evaluation.mixing import count_training
from unspool._interruptible import interruptible
from unspool._text.streams.stream import TokenStream
from unspool._training.folder.run_folder import RunFolder
from unspool._training.records import CountsRecord
from unspool._training.task import TrainingTask

USUAL_ORDER = 8
SHORTEST = 2  # symbols of the longest context that is counted of the shortest texts
LEAST_GAIN = 0.005  # share of the bits that counts must save to be chosen


def usual_order(training: TokenStream) -> int:
    """Return the order for a text: a context of more than half of a usual record would copy records."""
    half = len(training) // max(1, len(training.starts)) // 2
    return max(SHORTEST, min(USUAL_ORDER, half))


def keep_counts(run: RunFolder, task: TrainingTask, *, step: int) -> CountsRecord | None:
    """Count the texts of a training that is over, and keep the counts beside its model.

    Counts that were to be chosen are kept if they save enough bits.

    Args:
        run: The folder of the run, which has a model.
        task: The task of the training.
        step: Steps made.

    Returns:
        What was counted, also in the run's metrics; None if the training has no counts.

    Raises:
        ArtifactError: If the file cannot be written.
    """
    save_counts(run.path, None, run.tokenizer)  # those of the run before it went on
    if task.config.counts is None:
        return None
    chosen = task.config.counts == "auto"
    parameters = load_model(run.path).parameters
    counted = interruptible(
        lambda: count_training(
            task.engine,
            parameters,
            task.training,
            task.validation,
            eos_id=task.eos_id,
            document=task.document,
            order=usual_order(task.training) if chosen else int(str(task.config.counts)),
        )
    )
    kept = not chosen or counted.gain >= LEAST_GAIN
    save_counts(run.path, counted.table if kept else None, run.tokenizer)
    record = CountsRecord(
        step=step,
        order=counted.table.order,
        contexts=counted.table.symbols.size,
        bytes=counted.table.nbytes,
        network_bits_per_character=counted.alone,
        bits_per_character=counted.together,
        kept=kept,
    )
    run.record(record)
    return record
