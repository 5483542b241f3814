"""The folder of a run: the files of a model folder and the files of the training.

::

    config.json, tokenizer.json, ...     written first; a run can be resumed once they are there
    metrics.jsonl                        one line per step, evaluation, sample and change of the run
    loss.svg                             the loss curve
    checkpoint/last.safetensors          everything that is needed to resume
    checkpoint/corpus.json               where the texts are; see `corpus_places`
    model.safetensors, README.md, ...    the best model so far
    counts.safetensors                   counts of the texts, if they were asked for
    novelty.safetensors                  index of the texts, if it was asked for
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unspool._artifacts import load_model, save_model
from unspool._artifacts.belonging import COUNTS, NOVELTY
from unspool._artifacts.model_folder import (
    CARD,
    CONFIG,
    FINGERPRINTED,
    FORMAT_VERSION,
    GENERATION,
    MODEL,
    NEXT,
    SOURCE_TOKENIZER,
    TOKENIZER,
    ConfigFile,
    config_texts,
    has_file,
    read_config,
    read_generation,
    read_tokenizer,
)
from unspool._artifacts.novelty_file import load_novelty, save_novelty
from unspool._configuration import from_dict, to_dict
from unspool._errors import ArtifactError, spelled
from unspool._generation.options.generation_options import UNTIL_ITS_END, GenerationOptions
from unspool._json_files import json_text
from unspool._network.config import NetworkConfig
from unspool._storage import atomic_write, is_torn, make_folder, path_of, remove_torn
from unspool._text.novelty import NoveltyIndex
from unspool._text.records import Records
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.changes import Changes, changes_since
from unspool._training.checkpoints import (
    Checkpoint,
    RunProgress,
    load_checkpoint,
    read_progress,
    save_checkpoint,
    write_error,
)
from unspool._training.config import TrainingConfig
from unspool._training.folder.corpus_places import PLACES, keep_places, placed_spec
from unspool._training.folder.counts_words import card_with_counts, facts_of_record
from unspool._training.folder.loss_curve import LossCurve
from unspool._training.folder.metrics import METRICS, MetricsFile
from unspool._training.folder.model_card import model_card
from unspool._training.optimizers import FloatArray
from unspool._training.records import (
    ChangeRecord,
    CountsRecord,
    EvaluationRecord,
    FinishRecord,
    StopRecord,
    TrainingRecord,
    record_to_dict,
)

LOSS_CURVE, CHECKPOINT = "loss.svg", "checkpoint/last.safetensors"
MODEL_FILES = (CONFIG, TOKENIZER, SOURCE_TOKENIZER, MODEL, GENERATION, CARD)
UNBORN = {TOKENIZER, SOURCE_TOKENIZER, GENERATION, CHECKPOINT.partition("/")[0]}  # written before config.json
LEARNT_FILES = (CHECKPOINT, METRICS, LOSS_CURVE, MODEL, CARD)  # without the checkpoint none of them counts
AUDIT_FILES = ("audit.json", "audit.svg")  # they describe the old model and are removed with it
RUN_FILES = (
    *MODEL_FILES, *(name + NEXT for name in FINGERPRINTED), METRICS, LOSS_CURVE, CHECKPOINT, PLACES, COUNTS,
    NOVELTY, *AUDIT_FILES
)  # fmt: skip


class RunFolder:
    """The folder of a run; a `CheckpointSink` for `train_loop`.

    Make one with `create` or `reopen`. Pass every record to `record`, so that it is written before the loop
    goes on.

    Attributes:
        path: The folder.
        network: The network; its vocab_size is set.
        training: The training configuration.
        tokenizer: The tokenizer of the model.
        data: The training data, in JSON types.
        generation_config: The default options for sampling from the model.
        source_tokenizer: The tokenizer of the sources, if the network learns from pairs.
        remark: A remark of `start` on broken metrics, or None.
        changes: The values that `start` found changed since the checkpoint.
        begun_anew: The reason why the run was begun again, or None.
    """

    def __init__(
        self,
        path: Path,
        *,
        network: NetworkConfig,
        training: TrainingConfig,
        tokenizer: Tokenizer,
        data: Mapping[str, Any],
        generation_config: GenerationOptions,
        source_tokenizer: Tokenizer | None = None,
    ) -> None:
        self.path, self.network, self.training, self.tokenizer = path, network, training, tokenizer
        self.data, self.generation_config, self.source_tokenizer = data, generation_config, source_tokenizer
        self.remark: str | None = None
        self.changes: Changes = {}
        self.begun_anew: str | None = None
        self._metrics = MetricsFile(path / METRICS)
        self._curve = LossCurve()

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        network: NetworkConfig,
        training: TrainingConfig,
        tokenizer: Tokenizer,
        data: Mapping[str, Any],
        learnt: TokenStream | None = None,
        source_tokenizer: Tokenizer | None = None,
        texts: Mapping[str, Records | None] | None = None,
        first: Checkpoint | None = None,
        overwrite: bool = False,
    ) -> "RunFolder":
        """Make the folder of a new run.

        Args:
            path: The folder; it must be empty or not exist.
            network: The network; its vocab_size is set.
            training: The training configuration.
            tokenizer: The tokenizer of the model.
            data: The training data, in JSON types: `description`, `sizes`, and whatever is needed to read it
                again, but for the place of a file.
            learnt: The texts that it learns from, whose lengths its own follow; None for a document. The
                options of sampling are written at once, so that a run that is resumed has them too.
            source_tokenizer: The tokenizer of the sources; None for texts without sources.
            texts: The texts whose places are kept, by the names of their specifications in `data`.
            first: The first checkpoint, if the seed alone does not determine it. It is written before
                config.json, so that a run that is killed early never starts without it.
            overwrite: Whether the files of an earlier run are removed; other files stay.

        Raises:
            ArtifactError: If the folder is not empty or cannot be written to.
        """
        folder = Path(path)
        run = cls(
            folder,
            network=network,
            training=training,
            tokenizer=tokenizer,
            data=data,
            generation_config=_usual_options(learnt, paired=source_tokenizer is not None),
            source_tokenizer=source_tokenizer,
        )
        files = run._files()
        try:
            make_folder(folder)
            refuse_strangers(folder, overwrite=overwrite)
            _remove_run(folder)
            for name in (TOKENIZER, SOURCE_TOKENIZER):
                if name in files:
                    atomic_write(folder / name, files[name])
            keep_places(folder, texts or {})
            if first is not None:
                save_checkpoint(folder / CHECKPOINT, first)
            atomic_write(folder / GENERATION, json_text(to_dict(run.generation_config), indent=2) + "\n")
            atomic_write(folder / CONFIG, files[CONFIG])
        except OSError as error:
            raise write_error(folder, 1_000_000, error) from error
        return run

    @classmethod
    def reopen(cls, path: str | Path) -> "RunFolder":
        """Open the folder of a run that was stopped.

        Raises:
            ArtifactError: If there is no run in the folder, or its files are broken.
            ConfigError: If its configuration has an unknown key or a value out of its range.
        """
        folder = Path(path)
        if not (has_file(folder, CONFIG) and has_file(folder, TOKENIZER)):
            hint = "start a run without --resume"
            raise ArtifactError(
                f"{folder}: no run to resume", expected=f"{CONFIG} and {TOKENIZER}", hint=hint
            )
        where = str(folder / CONFIG)
        config = read_config(folder)
        if config.quantization is not None:
            raise ArtifactError(
                f"{folder}: no run to resume",
                expected="a run, in float32",
                got=f"a model rounded to {config.precision}",
                hint="resume the run that it was made from, or start another run from it (--init-from)",
            )
        paired = config.network.source_vocab_size is not None
        return cls(
            folder,
            network=config.network,
            training=from_dict(TrainingConfig, config.training, where=f"{where}: training"),
            tokenizer=read_tokenizer(folder / TOKENIZER),
            data=config.data,
            generation_config=_read_options(folder, paired=paired),
            source_tokenizer=read_tokenizer(folder / SOURCE_TOKENIZER) if paired else None,
        )

    def start(self, fresh: Checkpoint) -> Checkpoint:
        """Return the checkpoint to start from, after the metrics are cut back to it.

        If the run was changed since the checkpoint, the change is written to the metrics, and the checkpoint
        is written anew, as one of a run that is not over.

        Broken metrics are no reason to refuse: they are removed, and `remark` says so.

        Args:
            fresh: The fresh start of the run.

        Returns:
            The saved checkpoint, or `fresh` if none was saved yet.

        Raises:
            ArtifactError: If the checkpoint is broken or belongs to another run, or the metrics cannot be cut
                back.
        """
        path = self.path / CHECKPOINT
        _remove_torn(self.path)  # not before: until now another process may have been at work here
        checkpoint = load_checkpoint(path, fresh) if path.exists() else fresh
        self._curve = LossCurve()
        lines = self._metrics.cut_back(checkpoint.progress.step)
        for line in lines:
            self._curve.add(line)
        self.remark = self._metrics.remark()
        self.changes = changes_since(checkpoint.identity, fresh.identity)
        if self.changes:
            self._note_changes(checkpoint, fresh, last=lines[-1] if lines else None)
        return checkpoint

    def begin_anew(self, network: NetworkConfig, training: TrainingConfig, *, reason: str) -> None:
        """Turn a run back into one without a step, of another network on the same texts; note what changed.

        The new configuration is written last. So a run that is killed meanwhile begins again as it was.

        Args:
            network: The new network; its vocab_size is set.
            training: The new training configuration.
            reason: The reason, for people.

        Raises:
            ArtifactError: If a file cannot be removed or written.
        """
        changes = {
            name: (before, after)
            for old, new in ((self.network, network), (self.training, training))
            for (name, before), after in zip(to_dict(old).items(), to_dict(new).values(), strict=True)
            if before != after
        }
        self.network, self.training, self.begun_anew = network, training, reason
        try:
            for name in LEARNT_FILES:
                (self.path / name).unlink(missing_ok=True)
            atomic_write(self.path / CONFIG, self._files()[CONFIG])
        except OSError as error:
            raise write_error(self.path, 1_000_000, error) from error
        self._metrics.append(ChangeRecord(step=0, epoch=1, changes=changes))

    def _note_changes(
        self, checkpoint: Checkpoint, fresh: Checkpoint, *, last: Mapping[str, Any] | None
    ) -> None:
        """Write the changes; a line that a killed process has left of them is not repeated."""
        progress = checkpoint.progress
        progress.finished, checkpoint.identity = None, fresh.identity
        epoch = progress.epoch + (1 if progress.window else 0)
        record = ChangeRecord(step=progress.step, epoch=epoch, changes=self.changes)
        if record_to_dict(record) != last:
            self._metrics.append(record)
        self.save_checkpoint(checkpoint)

    def progress(self) -> RunProgress:
        """Read how far the run has come.

        Raises:
            ArtifactError: If the checkpoint is broken.
        """
        return read_progress(self.path / CHECKPOINT)

    def rewrite(self) -> None:
        """Write the configuration of a run that was changed, into the model that it has saved as well.

        Raises:
            ArtifactError: If a file cannot be written or the model is broken; what was there is still whole.
        """
        if not (self.path / MODEL).exists():
            try:
                atomic_write(self.path / CONFIG, self._files()[CONFIG])
            except OSError as error:
                raise write_error(self.path, 1_000_000, error) from error
            return
        saved, counted = load_model(self.path), self.training.counts is not None
        save_model(
            self.path,
            network=self.network,
            tokenizer=self.tokenizer,
            parameters=saved.parameters,
            training=to_dict(self.training),
            data=self.data,
            generation_config=saved.generation_config,
            source_tokenizer=self.source_tokenizer,
            counts=saved.counts if counted else None,
            card=self._card() if counted else card_with_counts(self._card(), None),
        )

    def _card(self) -> str:
        card = self.path / CARD
        return card.read_text("utf-8") if card.is_file() else ""

    def _write_card(self, card: str) -> None:
        try:
            atomic_write(self.path / CARD, card)
        except OSError as error:
            raise write_error(self.path / CARD, len(card), error) from error

    def _files(self) -> dict[str, str]:
        config = ConfigFile(FORMAT_VERSION, self.network, to_dict(self.training), self.data)
        return config_texts(config, self.tokenizer, self.source_tokenizer)

    def record(self, record: TrainingRecord) -> None:
        """Write a record to the metrics; draw the loss curve after an evaluation and at the end.

        What it says of counts goes into the model card too.

        Raises:
            ArtifactError: If a file cannot be written, for example on a full disk.
        """
        self._metrics.append(record)
        self._curve.add(record_to_dict(record))
        if isinstance(record, CountsRecord):
            self._write_card(card_with_counts(self._card(), facts_of_record(record)))
        if isinstance(record, EvaluationRecord | FinishRecord | StopRecord):
            name = Path(str(self.data.get("description") or self.path.name)).name
            picture = self._curve.svg(f"Loss on {spelled(name)}")
            try:
                atomic_write(self.path / LOSS_CURVE, picture)
            except OSError as error:
                raise write_error(self.path / LOSS_CURVE, len(picture), error) from error

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Save the last state, once the metrics up to it are on the disk.

        Raises:
            ArtifactError: If the file cannot be written; the checkpoint before it is still whole.
        """
        self._metrics.sync()
        save_checkpoint(self.path / CHECKPOINT, checkpoint)

    def save_model(self, parameters: dict[str, FloatArray], evaluation: EvaluationRecord) -> None:
        """Save the best model.

        Raises:
            ArtifactError: If a file cannot be written; the model before it is still whole.
        """
        if not self.path.is_dir():
            raise write_error(self.path / MODEL, 0, FileNotFoundError())
        save_model(
            self.path,
            network=self.network,
            tokenizer=self.tokenizer,
            parameters=parameters,
            training=to_dict(self.training),
            data=self.data,
            generation_config=to_dict(self.generation_config),
            source_tokenizer=self.source_tokenizer,
            card=model_card(
                self.path.name,
                network=self.network,
                training=self.training,
                tokenizer=self.tokenizer,
                data=self.data,
                evaluation=evaluation,
            ),
        )

    def keep_novelty_index(self, training: TokenStream, validation: TokenStream, *, by_line: bool) -> None:
        """Write the index of the texts, if the run's `data` asks for one and there is no whole one yet.

        Args:
            training: The training texts.
            validation: The held-out texts.
            by_line: Whether the texts are one document, whose lines are indexed.

        Raises:
            ArtifactError: If the file cannot be written.
        """
        if self.data.get("novelty_index") and not self._has_whole_index():
            index = NoveltyIndex.of_parts(training, validation, self.tokenizer, by_line=by_line)
            save_novelty(self.path, index, self.tokenizer)

    def spec(self, part: str) -> dict[str, Any]:
        """Return the arguments that read the texts again; see `placed_spec`.

        Args:
            part: "records" or "validation".
        """
        return placed_spec(self.path, self.data, part)

    def _has_whole_index(self) -> bool:
        """Return whether there is an index that has the held-out texts too; earlier ones do not."""
        try:
            index = load_novelty(self.path, self.tokenizer)
        except ArtifactError:
            return False
        return index is not None and index.held_out is not None


def refuse_strangers(out: str | Path, *, overwrite: bool) -> None:
    """Refuse a folder that is in use; the files of a run that was killed before its start do not count.

    Args:
        out: The folder for a new run; it may not exist yet.
        overwrite: Whether the files in it may be replaced.

    Raises:
        ConfigError: If it is no path.
        ArtifactError: If there are files that may not be replaced.
    """
    folder = path_of("out", out)
    if not folder.is_dir():
        if folder.exists():
            raise ArtifactError(str(folder), expected="a folder for a new run", got="a file")
        return
    names = sorted(path.name for path in folder.iterdir() if not is_torn(path.name))
    if not (folder / CONFIG).exists() and set(names) <= UNBORN:
        return
    if names and not overwrite:
        if (folder / CONFIG).exists():
            hint = "use --resume, --overwrite or another --out"
            raise ArtifactError(f"{folder} already holds a run", hint=hint)
        shown = ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")
        hint = "use another --out, or --overwrite"
        raise ArtifactError(str(folder), expected="an empty folder for a new run", got=shown, hint=hint)


def _remove_run(folder: Path) -> None:
    for name in RUN_FILES:  # config.json goes first: without it there is no run
        (folder / name).unlink(missing_ok=True)
    _remove_torn(folder)


def _remove_torn(folder: Path) -> None:
    """Remove the temporary files of a killed run."""
    for place in (folder, (folder / CHECKPOINT).parent):
        remove_torn(place)


def _usual_options(learnt: TokenStream | None, *, paired: bool) -> GenerationOptions:
    """Return the options that a new model is sampled with: texts may be as long as those that it learnt."""
    options = GenerationOptions(temperature=0.0 if paired else 0.8)
    if learnt is None:
        return options
    longest = int(np.diff(learnt.starts, append=len(learnt)).max(initial=0))
    return replace(options, max_new_tokens=max(options.max_new_tokens, min(longest, UNTIL_ITS_END)))


def _read_options(folder: Path, *, paired: bool) -> GenerationOptions:
    values = read_generation(folder)
    if not values:
        return _usual_options(None, paired=paired)
    return from_dict(GenerationOptions, values, where=str(folder / GENERATION))
