"""Resume a run: as it was, or with other values of how it learns."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unspool._configuration import check
from unspool._errors import ArtifactError, ConfigError, UnknownSymbolError
from unspool._model import Generator
from unspool._network.conditions import schema_of, steered_by
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._progress.choice import OnRecord, OnStart
from unspool._running.run import followed, run_to_end, task_of
from unspool._screen.wording import counted
from unspool._storage import path_of
from unspool._tables.corpus import records_again
from unspool._text.canaries import planted_in, with_canaries
from unspool._text.encoding.corpus import encode_corpus, fingerprints
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable, as_records
from unspool._text.records import Records
from unspool._training.by_name import divided, network_with, training_with
from unspool._training.callbacks import saved_sampling
from unspool._training.changes import Changes, changes_to, with_limits_left
from unspool._training.config import TrainingConfig
from unspool._training.folder.corpus_places import shared_data
from unspool._training.folder.model_card import stream_sizes
from unspool._training.folder.run_folder import RunFolder
from unspool._training.folder.sole_writer import sole_writer
from unspool._training.stepping.ranks import leader_first
from unspool._training.task import TrainingTask, fresh_start

VOCABULARIES = ("vocab_size", "source_vocab_size")


def resume_training(
    out: str | Path,
    *,
    records: Readable | None = None,
    validation: Readable | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    changes: Mapping[str, Any] | None = None,
    novelty_index: bool = False,
    on_start: OnStart | None = None,
    on_record: OnRecord | None = None,
) -> Generator:
    """Resume a run that was stopped, bit for bit, or go on with one that was finished.

    The run may go on with other values of how it learns (`CHANGEABLE`): more epochs or minutes, which count
    from the start of the run, another learning rate, schedule, dropout, patience and the like. The learning
    rate then follows the schedule of the whole run as it is configured now, from the step that is reached.
    All else stays as it was: the best model so far, the evaluations without a better one, the optimizer.
    Without such a change every bit is that of a run that was never stopped.

    Args:
        out: The run's folder.
        records: The texts of the run; None to read them again from their source.
        validation: The held-out texts, if the run was given any; None to read them again.
        network: The network; None for the run's own. Only its dropout may differ.
        training: The training configuration; None for the run's own.
        changes: Fields of `NetworkConfig` and `TrainingConfig` by name that replace those of the run.
        novelty_index: Whether to make the index of the training texts if the run has none yet.
        on_start: A function that gets the facts about the training before the first step.
        on_record: A function that gets each record of the loop once it is on the disk.

    Returns:
        The best model, loaded from `out`.

    Raises:
        InputError: If there is no run, it was started with other texts, a value is changed that is fixed for
            a run, or no step is left.
        DivergenceError: If the loss stops being finite; the last good state is in `out`.
        KeyboardInterrupt: If the training was stopped again.
    """
    run = RunFolder.reopen(out)
    if novelty_index:
        run.data = {**run.data, "novelty_index": True}
    changed = _changed(run, network, training, changes or {})
    corpus = records_again(run.spec("records")) if records is None else as_records(records)
    held_out: Records | None = None
    if validation is not None:
        held_out = as_records(validation, what="validation")
    elif run.data.get("validation") is not None:
        held_out = records_again(run.spec("validation"))
    recipe = EncodingRecipe(
        tokenizer=run.tokenizer,
        normalization=corpus.normalization,
        validation_fraction=run.training.validation_fraction,
        document=corpus.document,
        contexts=schema_of(run.data),  # a run of an older version has none
        sources=run.source_tokenizer,
        minds_repeats="split" in run.data,
    )
    planted = planted_in(run.data)
    try:
        canaried = with_canaries(corpus, run.data)
        encoded = leader_first(lambda: encode_corpus(canaried, recipe, held_out, planted=planted))
    except UnknownSymbolError as error:
        raise _other_texts(run, f"an {error.what}") from None
    _refuse_other_texts(run, encoded)
    sampling = saved_sampling(encoded, run.data)
    task = task_of(run.network, run.training, corpus, encoded, sampling, validated=held_out is not None)
    if changed:
        run.training = _within_limits(run, changed, task)
        task = replace(task, config=run.training)
    fresh = fresh_start(task, initialize(run.network, run.training.seed))
    if (model := followed(task, fresh, out)) is not None:
        return model
    texts: dict[str, Records | None] = {"records": corpus, "validation": held_out}
    named = {"records": corpus.spec, "description": corpus.description} if corpus.spec else {}
    data = shared_data({**run.data, **named})
    moved = data != run.data
    run.data = data | {"precision": task.engine.precision}  # a checkpoint of another one is refused
    with sole_writer(out):
        if changed or moved:
            run.rewrite()
        return run_to_end(
            run, corpus, encoded, task, fresh, on_start=on_start, on_record=on_record, texts=texts
        )


def resumed_folder(out: str | Path | None, *, overwrite: bool, **stored: object) -> str | Path:
    """Return the folder of a run to resume, and refuse what the run keeps as it is.

    Args:
        out: The folder, or None.
        overwrite: Whether an earlier run is to be removed.
        **stored: Arguments that the run keeps, which must be None.

    Raises:
        ConfigError: If there is no folder, or an argument does not work together with resuming.
    """
    if out is None:
        raise ConfigError("out must be the folder of a run to resume, and it is None")
    path_of("out", out)
    if overwrite:
        raise ConfigError("resume and overwrite do not work together", hint="leave one of them out")
    for name, value in stored.items():
        check(name, value, "left out with resume: the run keeps its own", value is None)
    return out


def reading_of(folder: str | Path) -> dict[str, Any]:
    """Return the options of reading that a run has chosen itself: whether its text is one document.

    Args:
        folder: The folder of the run.

    Raises:
        ArtifactError: If there is no run in the folder.
    """
    return {"document": True} if RunFolder.reopen(folder).data.get("document") else {}


def _changed(
    run: RunFolder,
    network: NetworkConfig | None,
    training: TrainingConfig | None,
    values: Mapping[str, Any],
) -> Changes:
    """Put the requested configurations into a run that is resumed, and return what differs."""
    of_network, of_training, _ = divided(values)
    requested, where = network_with(network or run.network, of_network) or run.network, str(run.path)
    sizes = {name: getattr(requested, name) or getattr(run.network, name) for name in VOCABULARIES}
    steered = steered_by(replace(requested, **sizes), schema_of(run.data), document=False)
    config = training_with(training or run.training, of_training)
    changed = changes_to(run.network, steered, where=where) | changes_to(run.training, config, where=where)
    run.network, run.training = steered, config
    return changed


def _within_limits(run: RunFolder, changed: Changes, task: TrainingTask) -> TrainingConfig:
    """Return the training of a changed run, which has steps left to make."""
    progress = run.progress()
    done = {
        "epochs": progress.step / task.lanes().windows_per_epoch,
        "minutes": progress.seconds / 60,
    }
    return with_limits_left(task.config, changed, done, finished=progress.finished)


def _refuse_other_texts(run: RunFolder, encoded: EncodedCorpus) -> None:
    """Refuse texts that are not those of the run."""
    stored = run.data.get("fingerprints")
    if stored in (None, fingerprints(encoded)):
        return
    got = str(_described(stream_sizes(encoded.training, encoded.validation)))
    same_size = _described(run.data.get("sizes")) in (None, got)
    raise _other_texts(run, f"{got}, but others or in another order" if same_size else got)


def _other_texts(run: RunFolder, got: str) -> ArtifactError:
    """Return the error for texts that are not those of a run.

    Args:
        run: The run.
        got: What was found.
    """
    hint = "resume with the same texts, or start another run from this model (--init-from)"
    what, expected = f"the texts of the run in {run.path}", _described(run.data.get("sizes"))
    return ArtifactError(what, expected=expected, got=got, hint=hint)


def _described(sizes: Mapping[str, Any] | None) -> str | None:
    """Return how much there is to learn from, or None if an earlier version has not noted it."""
    learnt = (sizes or {}).get("training")
    return learnt and (
        f"{counted(learnt['records'], 'text')} to learn from, {counted(learnt['characters'], 'character')}"
    )
