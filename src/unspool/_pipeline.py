"""From records to a trained model in one call: encode, split, make the network, train, keep the best."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._fine_tuning import first_network, first_parameters, first_recipe, load_origin
from unspool._model import Generator
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._planning.choosing import TrainingPlan, plan_training
from unspool._planning.first_seconds import FirstSeconds, PlanMissedError
from unspool._planning.mode import read_to_learn
from unspool._progress.choice import OnRecord, OnStart, in_turn, watching
from unspool._running.new_run import described_data, resolved_network, sampling_of
from unspool._running.resuming import reading_of, resume_training, resumed_folder
from unspool._running.run import followed, run_to_end, task_of
from unspool._text.canaries import Canaries, draw_canaries, planted_in, with_canaries
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable
from unspool._text.records import Records
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.by_name import TrainKeywords, divided, network_with, training_with
from unspool._training.checkpoints import Checkpoint
from unspool._training.config import TrainingConfig
from unspool._training.folder.run_folder import RunFolder, refuse_strangers
from unspool._training.folder.sole_writer import sole_writer
from unspool._training.pair_defaults import training_of
from unspool._training.stepping.ranks import follows, leader_first, several
from unspool._training.task import TrainingTask, engine_of, fresh_start


def train(
    records: Readable,
    *,
    out: str | Path | None = None,
    minutes: float | None = None,
    plan: TrainingPlan | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    init_from: str | Path | Generator | None = None,
    validation: Readable | None = None,
    sample_prompts: Sequence[str] | None = None,
    sample_temperatures: Sequence[float] | None = None,
    novelty_index: bool = False,
    canaries: Canaries | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    on_start: OnStart | None = None,
    on_record: OnRecord | None = None,
    **options: Unpack[TrainKeywords],
) -> Generator:
    """Train a network on texts, in memory or in a run folder.

    Ctrl-C, or a notebook's button to interrupt, takes effect at once: the step or the evaluation at hand is
    abandoned. A run in a folder saves the state before it and raises KeyboardInterrupt. One in memory ends
    here: the best model so far is returned, or what was learnt if none was measured yet. A second Ctrl-C
    raises KeyboardInterrupt in any case.

    Args:
        records: Texts in memory, such as a list, a column or a table of another library; a file, a folder,
            ``-`` for standard input, or the name of a corpus; or records from `read_records`.
        out: The run's folder; it must be empty or not exist. None for a model in memory, which `save` writes;
            meanwhile the run is in a temporary folder.
        minutes: Wall time of the whole call, for which `plan_training` chooses the training, and the network
            if there is none; as `unspool train --minutes` does. A plain text that looks like one document is
            read as one, unless `document` is given. For pairs, the time after which a training
            with the defaults ends. None for no such choice; `TrainingConfig(minutes=...)` is a limit alone.
        plan: A plan of `plan_training` for these texts, in the place of minutes, network and training. It is
            checked in the first seconds of the run: if the speed is twice as high or as low as planned and
            another network is better, the run begins again with that one, once. None for no plan.
        network: The network; None for an LSTM of 128 units. The tokenizers set its `vocab_size` and
            `source_vocab_size`.
        training: The training configuration; None for the defaults. Those for pairs are a batch size of 2, a
            sequence length of 256 and a learning rate of 0.01.
        tokenizer: A name in `TOKENIZERS` to make a new tokenizer from the texts, or an existing tokenizer.
        max_vocab_size: Highest number of ids of a new tokenizer; None for no limit.
        init_from: A model, or its folder, whose training is continued on these texts. Its network, parameters
            and tokenizer are used, and new symbols of the texts are added. A lower `learning_rate` than for a
            new model forgets less.
        validation: Held-out texts. Without them, `validation_fraction` of `records` is held out: in line mode
            the texts with certain hashes, the same for every seed; of a document the end.
        sample_prompts: Texts that the network continues after every evaluation; an empty list for no samples.
            None starts from nothing. For pairs, the sources to answer; None for the first held-out sources.
        sample_temperatures: Temperatures at which each prompt is continued; None for 0.3, 0.8 and 1, or for 0
            with pairs.
        novelty_index: Whether to store hashes of the texts beside the model, 8 bytes each, so that
            `generate(novel=True)` can refuse copies of them, of the held-out ones too.
        canaries: Made-up secrets to plant in the text. They are drawn from the seed and stored in
            config.json, so that an audit can measure how well the network knows them. None for no secrets.
        resume: Whether to resume the run in `out`, which must have been started with the same texts. It keeps
            its configuration but for what is given, such as ``epochs=20``; see `resume_training`.
        overwrite: Whether an earlier run in `out` is removed.
        progress: Whether the progress is shown: below the cell of a notebook, else on standard error, in
            place on a terminal and in lines elsewhere. None shows it unless there is an `on_record`.
        on_start: A function that gets the facts about the training before the first step.
        on_record: A function that gets each record of the loop once it is on the disk.
        **options: Fields of `NetworkConfig` and `TrainingConfig` by name, ``epochs=5, hidden_size=256``, and
            the options of `read_records` for `records` and `validation`, ``text="title", delimiter=";"``.
            With ``table=True`` the rows of a table are learnt, all columns of them, for `sample_rows` and
            `impute`; a `TableSchema`, or the file of one, says what they hold.

    Returns:
        The best model.

    Raises:
        InputError: If an argument or a file cannot be used.
        DivergenceError: If the loss stops being finite; the last good state is in `out`.
        KeyboardInterrupt: If the training was stopped and is in a folder, where `resume` continues it, or has
            learnt nothing yet.

    Example:
        >>> import unspool
        >>> model = unspool.train(["a cat", "a dog", "a cow"] * 20, epochs=2, hidden_size=32)
        >>> len(model.generate(n=3))
        3
    """
    _check_types(network, training, novelty_index, minutes)
    _check_plan(plan, minutes=minutes, network=network, training=training, options=options or None)
    _check_lists(sample_prompts=sample_prompts, sample_temperatures=sample_temperatures)
    of_network, of_training, read = divided(options if minutes is None else {**options, "minutes": minutes})
    folder = resumed_folder(out, overwrite=overwrite, canaries=canaries, plan=plan) if resume else None
    decided, look = (None if folder is None else reading_of(folder)), "minutes" in of_training
    share = training_with(training or TrainingConfig(), of_training).validation_fraction
    corpus, held_out, how = read_to_learn(records, validation, read, decided, look=look, share=share)
    with watching(corpus, progress, on_start, on_record, how) as told:
        if folder is not None:
            run_of: dict[str, Any] = {"records": corpus, "validation": held_out, "network": network}
            run_of |= {"changes": of_network | of_training, "novelty_index": novelty_index}
            return resume_training(folder, training=training, **run_of, **told)
        usual = training_of(corpus, training, canaries=canaries, init_from=init_from)
        config = training_with(usual, of_training)
        _look_before_reading(corpus, out, overwrite=overwrite)
        origin = None if init_from is None else load_origin(init_from, engine=config.engine)
        encoding = {"tokenizer": tokenizer, "max_vocab_size": max_vocab_size, "validation": held_out}
        known = {"network": network or of_network, "init_from": origin, **encoding}
        plan = plan or _chosen(corpus, of_training, **known)
        network, config = (plan.network, plan.training) if plan else (network, config)
        network = network_with(network, of_network)
        recipe = first_recipe(corpus, config, tokenizer, max_vocab_size, origin)
        extra = {"novelty_index": novelty_index, **draw_canaries(canaries, recipe, seed=config.seed)}
        encoded, plan = _read(plan, corpus, recipe, held_out, extra)
        config = plan.training if plan else config
        sampling = sampling_of(corpus, encoded, sample_prompts, sample_temperatures)
        resolved = resolved_network(network or first_network(origin), encoded, document=corpus.document)
        task = task_of(resolved, config, corpus, encoded, sampling, validated=held_out is not None)
        fresh = fresh_start(task, first_parameters(origin, resolved, encoded.tokenizer, seed=config.seed))
        if (model := followed(task, fresh, out or "")) is not None:
            return model
        data = described_data(corpus, held_out, encoded, sampling, task) | extra
        rest: dict[str, Any] = {"texts": {"records": corpus, "validation": held_out}}
        rest |= {"first": fresh if origin else None, "overwrite": overwrite}
        with _new_run(out, resolved, config, encoded, data, **rest) as run:
            return _carry_out(plan, run, corpus, encoded, task, fresh=fresh, in_memory=out is None, **told)


def _look_before_reading(corpus: Records, out: str | Path | None, *, overwrite: bool) -> None:
    """Read the first record, and refuse a folder that is in use, before a long corpus is read."""
    corpus.peek()
    if several() and out is None:
        raise ConfigError("out must be a folder that all processes can read, and it is None")
    if out is not None and not follows():
        refuse_strangers(out, overwrite=overwrite)


def _chosen(corpus: Records, training: dict[str, Any], **planning: Any) -> TrainingPlan | None:
    """Choose the network and the training for a time; None without one, and for pairs."""
    if "minutes" not in training or corpus.pairs:
        return None
    fixed = {name: value for name, value in training.items() if name != "minutes"}
    return plan_training(corpus, minutes=training["minutes"], training=fixed, **planning)


def _read(
    plan: TrainingPlan | None,
    corpus: Records,
    recipe: EncodingRecipe,
    held_out: Records | None,
    extra: dict[str, Any],
) -> tuple[EncodedCorpus, TrainingPlan | None]:
    """Encode the texts with what is planted, and correct the plan by the time that it took."""
    began = time.monotonic()
    texts, planted = with_canaries(corpus, extra), planted_in(extra)
    encoded = leader_first(lambda: encode_corpus(texts, recipe, held_out, planted=planted))
    return encoded, plan and plan.after_reading(time.monotonic() - began)


def _carry_out(
    plan: TrainingPlan | None,
    run: RunFolder,
    corpus: Records,
    encoded: EncodedCorpus,
    task: TrainingTask,
    *,
    fresh: Checkpoint,
    on_start: OnStart | None,
    on_record: OnRecord | None,
    in_memory: bool,
) -> Generator:
    """Train until the end; begin again with a better plan if the first seconds show that it is wrong."""
    to_end = partial(run_to_end, run, corpus, encoded, on_start=on_start, in_memory=in_memory)
    if plan is None:
        return to_end(task, fresh, on_record=on_record)
    check = FirstSeconds(plan, symbols_per_character=len(encoded.training) / encoded.training.characters)
    try:
        return to_end(task, fresh, on_record=in_turn(check, on_record))
    except PlanMissedError as missed:
        better = missed.plan
    network = resolved_network(better.network, encoded, document=corpus.document)
    config = better.training
    run.begin_anew(network, config, reason=better.reasons[0])
    engine = engine_of(config, network)
    task = replace(task, engine=engine, config=config)
    return to_end(task, fresh_start(task, initialize(network, config.seed)), on_record=on_record)


@contextmanager
def _new_run(
    out: str | Path | None,
    network: NetworkConfig,
    config: TrainingConfig,
    encoded: EncodedCorpus,
    data: dict[str, Any],
    *,
    texts: dict[str, Records | None],
    first: Checkpoint | None,
    overwrite: bool,
) -> Iterator[RunFolder]:
    """Make the folder of a new run, which goes again if nobody said where it is."""
    place = TemporaryDirectory(prefix="unspool-") if out is None else nullcontext(out)
    with place as folder, sole_writer(folder):
        yield RunFolder.create(
            folder,
            network=network,
            training=config,
            tokenizer=encoded.tokenizer,
            data=data,
            learnt=None if data["document"] else encoded.training,
            source_tokenizer=encoded.source_tokenizer,
            texts=texts if out is not None else None,
            first=first,
            overwrite=overwrite,
        )


def _check_types(network: object, training: object, novelty_index: object, minutes: object) -> None:
    check("network", network, "a NetworkConfig, or None", isinstance(network, NetworkConfig | None))
    check("training", training, "a TrainingConfig, or None", isinstance(training, TrainingConfig | None))
    check("novelty_index", novelty_index, "true or false", isinstance(novelty_index, bool))
    alone = training is None or minutes is None
    check("training", training, "None beside minutes, which choose it", alone)


def _check_plan(plan: object, **others: object) -> None:
    check("plan", plan, "a TrainingPlan of plan_training, or None", isinstance(plan, TrainingPlan | None))
    for name, value in others.items():
        check(name, value, "left out beside plan, which has it", plan is None or value is None)


def _check_lists(**lists: object) -> None:
    for name, value in lists.items():
        check(name, value, "a list", not isinstance(value, str) and isinstance(value, Sequence | None))
