"""The training loop: it yields records and knows nothing of screens.

Every number depends only on the configuration, the corpus, the seed, the step and the checkpoint. So a run
that is stopped anywhere can be resumed bit for bit. The one exception is a run with `minutes`, which follows
the clock.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from unspool._engines.protocol import Loss
from unspool._errors import DivergenceError, NetworkError
from unspool._evaluation.streams import (
    Evaluation,
    answered_exactly,
    bits_per_character,
    evaluation_of,
    measured_part,
    stream_nats,
)
from unspool._kernels.stop import StoppedError
from unspool._text.streams.lanes import Window
from unspool._training.checkpoint_sink import CheckpointSink
from unspool._training.checkpoints import Checkpoint
from unspool._training.early_stopping import note_evaluation, out_of_patience
from unspool._training.records import (
    CheckpointRecord,
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
    TrainingRecord,
)
from unspool._training.schedules import SCHEDULES, progress_at
from unspool._training.speed import StepSpeed
from unspool._training.stepping.chosen import steps_of
from unspool._training.task import Moment, TrainingTask

SECONDS_BETWEEN = 1.0  # between two progress records of one evaluation
MOST_ANSWERS = 1000  # most held-out sources that are answered at each evaluation

# A network that knows nothing loses the logarithm of the number of its symbols. One that loses twice as much
# on average over so many steps has not met a hard text: its weights are beyond what steps can mend.
EXPLODED, EXPLODED_STEPS = 2.0, 20


def train_loop(
    task: TrainingTask,
    start: Checkpoint,
    *,
    sink: CheckpointSink,
    stop_requested: Callable[[], bool] = lambda: False,
    abandoning: Callable[[], AbstractContextManager[None]] = nullcontext,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[TrainingRecord]:
    """Train until the run ends, is asked to stop or diverges.

    A checkpoint is saved only after the caller has taken all records of its step and asks for the next one.
    So whatever the caller writes of a record is on disk before the checkpoint that covers it.

    Args:
        task: The network, the texts and the configuration.
        start: A checkpoint from `fresh_start` or `load_checkpoint`; its arrays and its progress are changed
            in place.
        sink: The object that saves the checkpoints and the best model.
        stop_requested: A function that is called after every step. When it returns True, the state is saved,
            a StopRecord is yielded and the loop ends.
        abandoning: A function that makes a context for each step and each evaluation. Where the work in it
            raises StoppedError, the loop stops with the state from before this work, and the work is done
            anew when the run is resumed.
        clock: A function that returns the time in seconds, from any starting point.

    Yields:
        A StepRecord for every step; after every evaluation an EvaluationRecord and the records of the
        callbacks; a CheckpointRecord after every save; a StopRecord or a FinishRecord at the end.

    Raises:
        DivergenceError: If a loss or a gradient is not finite; the state before that step is saved. If the
            loss is finite but exploded (`EXPLODED`); the checkpoint before is kept.
    """
    run = _Run(task, start, sink, abandoning, clock)
    if start.progress.unmeasured and (yield from run.close_step(stop_requested)):
        return
    while start.progress.finished is None:
        for window in run.lanes.windows(start.progress.epoch, start.progress.window):
            try:
                record = run.step(window)
            except StoppedError:
                yield from run.stop()
                return
            yield record
            if (yield from run.close_step(stop_requested)):
                return
            if start.progress.finished:
                break
    yield run.finish()


class _Run:
    """The working values of the loop between two steps; everything that lasts is in the checkpoint."""

    def __init__(
        self,
        task: TrainingTask,
        start: Checkpoint,
        sink: CheckpointSink,
        abandoning: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self.task, self.config, self.sink, self.clock = task, task.config, sink, clock
        self.abandoning = abandoning
        self.checkpoint, self.progress = start, start.progress
        self.lanes = task.lanes()
        self.measured = measured_part(
            task.validation, task.config.max_validation_symbols, document=task.document
        )
        self.measuring_seconds: float | None = None  # duration of the last evaluation in this process
        self.steps = steps_of(task, start, abandoning)
        epochs = self.config.epochs
        self.total_steps = None if epochs is None else epochs * self.lanes.windows_per_epoch
        self.started = clock() - start.progress.seconds
        self.saved = clock()
        self.speed = StepSpeed()
        self.losses: deque[float] = deque(maxlen=EXPLODED_STEPS)
        self.parts_done = self.parts_of_the_run()
        self.guessing = math.log(task.engine.config.symbols - 1)  # <pad> is never predicted

    @property
    def epoch(self) -> int:
        """Return the number of the epoch of the last step, from 1."""
        return self.progress.epoch + (1 if self.progress.window else 0)

    def share(self, steps: float) -> float:
        """Return the share of the run that is done: by steps or by the clock, whichever is larger."""
        by_steps = 0.0 if self.total_steps is None else steps / self.total_steps
        by_clock = 0.0 if self.config.minutes is None else self.progress.seconds / self.seconds_to_learn()
        return min(1.0, max(by_steps, by_clock))

    def seconds_to_learn(self) -> float:
        """Return the part of `minutes` that is left for the steps, without the time of the last evaluation.

        The last evaluation is expected to take as long as the one before. Before the first one, it is
        expected to take half the time that learning from as many tokens would take. At most half of the run
        is set aside: if the evaluation takes longer, so does the run.
        """
        seconds = 60 * (self.config.minutes or 0.0)
        needed = self.measuring_seconds
        if needed is None:
            needed = len(self.measured.ids) / (2 * self.speed.rate) if self.speed.rate else 0.0
        return seconds - min(needed, seconds / 2)

    def learning_rate(self, step: int) -> float:
        schedule = SCHEDULES[self.config.schedule]
        progress = self.share(progress_at(step, 1))
        multiplier = schedule(progress, self.config.warmup_fraction, self.config.floor_fraction)
        return self.config.learning_rate * multiplier

    def step(self, window: Window) -> StepRecord:
        """Train on one window."""
        began = self.clock()
        step = self.progress.step + 1
        learning_rate = self.learning_rate(step)
        loss, norm = self.steps.step(window, number=step, learning_rate=learning_rate)
        if not math.isfinite(loss.total):
            raise self.diverged("loss", loss.total)
        self.refuse_exploded(loss.mean)
        if not math.isfinite(norm):
            raise self.diverged("norm of the gradients", norm)
        self.count(loss, self.clock() - began)
        return self.step_record(loss, learning_rate, norm)

    def close_step(self, stop_requested: Callable[[], bool]) -> Generator[TrainingRecord, None, bool]:
        """Evaluate and save after a step, where it is due; return whether the run stops here."""
        progress = self.progress
        progress.finished = self.reason_to_end()
        try:
            if progress.unmeasured or self.evaluation_due():
                progress.unmeasured = True
                yield from self.evaluate()
                progress.unmeasured = False
        except StoppedError:
            progress.finished = None
            yield from self.stop()
            return True
        self.close_epoch()
        if progress.finished is None and stop_requested():
            yield from self.stop()
            return True
        if progress.finished or self.save_due():
            yield self.save()
        return False

    def stop(self) -> Iterator[CheckpointRecord | StopRecord]:
        """Save the state, and a model if there is none yet."""
        self.steps.bring_home()
        if self.progress.best_step is None:
            self.sink.save_model(self.checkpoint.model, self.evaluation_record(None, best=True))
        yield self.save()
        yield StopRecord(step=self.progress.step, epoch=self.epoch, seconds=self.progress.seconds)

    def count(self, loss: Loss, seconds: float) -> None:
        """Add a step to the progress."""
        progress = self.progress
        progress.step += 1
        progress.window += 1
        progress.symbols += loss.count
        progress.epoch_nats += loss.total
        progress.epoch_symbols += loss.count
        progress.seconds = self.clock() - self.started
        self.speed.add(loss.count, seconds)

    def step_record(self, loss: Loss, learning_rate: float, norm: float) -> StepRecord:
        training = self.task.training
        characters_per_symbol = training.characters / len(training.ids)
        return StepRecord(
            step=self.progress.step,
            epoch=self.epoch,
            progress=self.share(self.progress.step),
            loss=loss.mean,
            bits_per_character=self.training_bits(loss.mean),
            learning_rate=learning_rate,
            grad_norm=norm,
            characters=round(self.progress.symbols * characters_per_symbol),
            characters_per_second=round(self.speed.rate * characters_per_symbol, 1),
            seconds=self.progress.seconds,
        )

    def training_bits(self, loss: float) -> float:
        training = self.task.training
        return bits_per_character(loss * len(training.ids) + training.spelling_nats, training.characters)

    def diverged(self, quantity: str, value: float) -> DivergenceError:
        """Save the state before this step, which is unchanged, and return the error."""
        self.steps.bring_home()
        self.sink.save_checkpoint(self.checkpoint)
        return DivergenceError(
            f"the {quantity} is {value} at step {self.progress.step + 1}; the state after step "
            f"{self.progress.step} is saved; start again with {self.advice()}"
        )

    def refuse_exploded(self, loss: float) -> None:
        """Refuse to go on if the losses of the last steps are far above that of a network that only guesses.

        Raises:
            DivergenceError: If they are.
        """
        self.losses.append(loss)
        mean = sum(self.losses) / len(self.losses)
        if len(self.losses) == EXPLODED_STEPS and mean > EXPLODED * self.guessing:
            raise DivergenceError(
                f"the loss has exploded: {mean:.3g} on average over the last {EXPLODED_STEPS} steps, after "
                f"step {self.progress.step}, and guessing costs {self.guessing:.3g}; the last checkpoint and "
                f"the best model are kept; start again with {self.advice()}"
            )

    def refuse_ruined(self, held_out: Evaluation | None) -> None:
        """Refuse a state that the last step has ruined, so that the checkpoint before it is not overwritten.

        Raises:
            DivergenceError: If a parameter or the loss on the held-out text is not finite.
        """
        arrays = [*self.checkpoint.parameters.items(), *self.checkpoint.model.items()]
        broken = [name for name, array in arrays if not np.isfinite(array).all()]
        if broken or not (held_out is None or math.isfinite(held_out.loss)):
            raise self.ruined(f"parameter {broken[0]}" if broken else "loss on the held-out text")

    def ruined(self, value: str) -> DivergenceError:
        """Return the error for a value that is not finite after the last step."""
        return DivergenceError(
            f"the {value} is not finite after step {self.progress.step}; the last checkpoint is kept; "
            f"start again with {self.advice()}"
        )

    def advice(self) -> str:
        """Return settings that make a run less likely to diverge."""
        advice = [f"a lower learning_rate (it was {self.config.learning_rate:g})"]
        if self.config.clip_norm is None or self.config.clip_norm > 1:
            advice.append(f"clip_norm 1 (it was {self.config.clip_norm})")
        if self.config.warmup_fraction < 0.05:
            advice.append(f"a longer warm-up (warmup_fraction was {self.config.warmup_fraction:g})")
        return ", or ".join(advice)

    def reason_to_end(self) -> str | None:
        if self.total_steps is not None and self.progress.step >= self.total_steps:
            return "epochs"
        over = self.config.minutes is not None and self.progress.seconds >= self.seconds_to_learn()
        return "minutes" if over else None

    def evaluation_due(self) -> bool:
        if self.progress.finished is not None:
            return True
        every = self.config.evaluate_every
        if every is None:
            return self.epoch_is_over()
        if every >= 1:
            return self.progress.step % every == 0
        before, self.parts_done = self.parts_done, self.parts_of_the_run()
        return self.parts_done > before

    def parts_of_the_run(self) -> int:
        """Return how many times the share between two evaluations is done; 0 if they are counted in steps."""
        every = self.config.evaluate_every
        return int(self.share(self.progress.step) / every) if every is not None and every < 1 else 0

    def epoch_is_over(self) -> bool:
        return self.progress.window >= self.lanes.windows_per_epoch

    def measure(self) -> Generator[MeasuringRecord, None, Evaluation]:
        """Measure the held-out text; if it takes long, yield its progress once a second.

        Raises:
            StoppedError: If a stop abandons it.
        """
        task, model, measured = self.task, self.checkpoint.model, self.measured
        nats, done, began = [], 0, self.clock()
        last_report = began
        parts = stream_nats(task.engine, model, measured, eos_id=task.eos_id, document=task.document)
        while True:
            with self.abandoning():  # never around a yield
                part = next(parts, None)
            if part is None:
                break
            nats.append(part[0])
            done += part[1]
            if self.clock() - last_report >= SECONDS_BETWEEN:
                last_report = self.clock()
                yield MeasuringRecord(step=self.progress.step, done=done, total=len(measured.ids))
        with self.abandoning():
            exact = answered_exactly(task.engine, model, measured, eos_id=task.eos_id, most=MOST_ANSWERS)
        self.measuring_seconds = self.clock() - began
        return evaluation_of(measured, nats, exact=exact)

    def evaluate(self) -> Iterator[MeasuringRecord | EvaluationRecord | SampleRecord]:
        """Measure the held-out text, save the model if it is the best so far, and run the callbacks."""
        task, progress = self.task, self.progress
        self.steps.bring_home()
        try:
            held_out = (yield from self.measure()) if len(self.measured.ids) else None
        except NetworkError as error:
            raise self.ruined("network's answer to the held-out text") from error
        self.refuse_ruined(held_out)
        bits = None if held_out is None else held_out.bits_per_character
        best = note_evaluation(progress, bits, decides=task.held_out_decides)
        if progress.finished is None and out_of_patience(progress, self.config.patience):
            progress.finished = "patience"
        progress.seconds = self.clock() - self.started
        record = self.evaluation_record(held_out, best=best)
        if best:
            self.sink.save_model(self.checkpoint.model, record)
        yield record
        moment = Moment(
            engine=task.engine, parameters=self.checkpoint.model, step=progress.step, epoch=self.epoch
        )
        yield from itertools.chain.from_iterable(callback(moment) for callback in task.callbacks)

    def evaluation_record(self, held_out: Evaluation | None, *, best: bool) -> EvaluationRecord:
        training_loss = self.progress.epoch_nats / max(1, self.progress.epoch_symbols)
        return EvaluationRecord(
            step=self.progress.step,
            epoch=self.epoch,
            training_loss=training_loss,
            training_bits_per_character=self.training_bits(training_loss),
            loss=None if held_out is None else held_out.loss,
            bits_per_character=None if held_out is None else held_out.bits_per_character,
            perplexity=None if held_out is None or math.isinf(held_out.perplexity) else held_out.perplexity,
            best=best,
            seconds=self.progress.seconds,
            measured_characters=None if held_out is None else held_out.characters,
            exact=None if held_out is None else held_out.exact,
        )

    def close_epoch(self) -> None:
        """Move on to the next epoch, which starts from an empty state."""
        if self.epoch_is_over():
            self.progress.epoch += 1
            self.progress.window = 0
            self.progress.epoch_nats, self.progress.epoch_symbols = 0.0, 0
            self.steps.clear_state()

    def save_due(self) -> bool:
        return self.clock() - self.saved >= self.config.checkpoint_seconds

    def save(self) -> CheckpointRecord:
        self.progress.seconds = self.clock() - self.started
        self.steps.bring_home()
        self.sink.save_checkpoint(self.checkpoint)
        self.saved = self.clock()
        return CheckpointRecord(step=self.progress.step, seconds=self.progress.seconds)

    def finish(self) -> FinishRecord:
        progress = self.progress
        return FinishRecord(
            step=progress.step,
            epoch=self.epoch,
            reason=str(progress.finished),
            best_step=progress.best_step or progress.step,
            best_bits_per_character=progress.best,
            seconds=progress.seconds,
        )
