"""Train a run until its end, and load its best model."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from unspool._errors import warn_user
from unspool._evaluation.streams import says_enough
from unspool._kernels.precision import missing_bf16
from unspool._model import Generator
from unspool._network.config import NetworkConfig
from unspool._progress.choice import OnRecord, OnStart
from unspool._running.counting import keep_counts
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.records import Records
from unspool._training.announcement import plan_of
from unspool._training.callbacks import SamplingCallback
from unspool._training.checkpoints import Checkpoint
from unspool._training.config import TrainingConfig
from unspool._training.folder.corpus_places import keep_places
from unspool._training.folder.run_folder import RunFolder
from unspool._training.interrupts import stop_on_interrupt
from unspool._training.loop import train_loop
from unspool._training.records import StopRecord
from unspool._training.stepping.ranks import joined
from unspool._training.task import TrainingTask, engine_of


def task_of(
    network: NetworkConfig,
    config: TrainingConfig,
    corpus: Records,
    encoded: EncodedCorpus,
    sampling: SamplingCallback | None,
    *,
    validated: bool,
) -> TrainingTask:
    """Return the task of the training loop.

    Args:
        network: The network.
        config: The training configuration.
        corpus: The texts.
        encoded: The texts in ids.
        sampling: The callback that writes samples, or None.
        validated: Whether the user gave the held-out texts, which then decide what is kept, however few.
    """
    decides, ranks = validated or config.patience is not None, joined()
    return TrainingTask(
        engine=engine_of(config, network),
        training=encoded.training,
        validation=encoded.validation,
        eos_id=encoded.tokenizer.eos_id,
        document=corpus.document,
        config=config,
        callbacks=() if sampling is None else (sampling,),
        held_out_decides=decides or says_enough(encoded.validation, document=corpus.document),
        ranks=ranks,
    )


def followed(task: TrainingTask, fresh: Checkpoint, folder: str | Path) -> Generator | None:
    """Agree with the other processes on what is trained; unless this one leads, train as the leader tells.

    Args:
        task: The task.
        fresh: Its fresh start.
        folder: The folder of the run, which every process must be able to read.

    Returns:
        The best model; None in the process that leads, or that is alone.

    Raises:
        UnspoolError: If the processes disagree, or one of them is gone.
    """
    if task.ranks is None:
        return None
    task.ranks.agree(fresh.identity)
    if task.ranks.leads:
        return None
    from unspool._training.stepping.following import follow  # noqa: PLC0415 - where PyTorch is

    follow(task, fresh, task.ranks)
    config = task.config
    return Generator.load(folder, engine=config.engine, threads=config.threads, device=config.device)


def _missing_bf16(task: TrainingTask) -> str | None:
    """Return why bf16 is not used though it was asked for, or None."""
    return missing_bf16(task.config.precision) if task.engine.precision == "float32" else None


def _leading(task: TrainingTask, start: Checkpoint) -> AbstractContextManager[None]:
    """Return a context in which the other processes, if there are any, follow."""
    if task.ranks is None:
        return nullcontext()
    from unspool._training.stepping.leading import leading  # noqa: PLC0415 - where PyTorch is

    return leading(task.ranks, start)


def run_to_end(
    run: RunFolder,
    corpus: Records,
    encoded: EncodedCorpus,
    task: TrainingTask,
    fresh: Checkpoint,
    *,
    on_start: OnStart | None,
    on_record: OnRecord | None,
    texts: dict[str, Records | None] | None = None,
    in_memory: bool = False,
) -> Generator:
    """Train until the end, and load the best model; all of it if its folder goes.

    Where the folder goes, a training that is stopped ends as well: nothing could resume it.

    Raises:
        KeyboardInterrupt: If a run in a folder was stopped, or one in memory before its first step.
    """
    config = task.config
    start = run.start(fresh)
    keep_places(run.path, texts or {})  # of a resumed run: they may have moved
    run.keep_novelty_index(encoded.training, encoded.validation, by_line=corpus.document)
    if on_start is not None:
        on_start(plan_of(run, corpus, encoded, start.progress.step, in_memory=in_memory))
    else:
        for remark in filter(None, (run.remark, _missing_bf16(task))):
            warn_user(remark, RuntimeWarning)
    with stop_on_interrupt() as stop_requested, _leading(task, start):
        for record in train_loop(
            task, start, sink=run, stop_requested=stop_requested, abandoning=stop_requested.abandoning
        ):
            run.record(record)
            if on_record is not None:
                on_record(record)
            last = record
    if isinstance(last, StopRecord):
        if not in_memory or not last.step:
            raise KeyboardInterrupt
        if on_start is None:
            remark = f"stopped at step {last.step:,}: the best model so far is returned"
            warn_user(remark, RuntimeWarning)
    counted = keep_counts(run, task, step=last.step)
    if counted is not None and on_record is not None:
        on_record(counted)
    model = Generator.load(run.path, engine=config.engine, threads=config.threads, device=config.device)
    if in_memory:
        model._leave_folder()
    return model
