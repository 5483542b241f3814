"""`plan_training`: look at a text and at the machine, and choose the network and its training for a time."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from unspool.configuration import check, from_dict, is_real
from unspool.network.config import NetworkConfig
from unspool.planning.budget import FORWARD, Budget, held_out_share
from unspool.planning.facts import CorpusFacts, look_at
from unspool.planning.reasons import tell
from unspool.planning.rule import (
    BATCH_SIZES,
    SEQUENCE_LENGTH,
    Candidate,
    batch_size,
    largest_worth_its_time,
    network_values,
    networks,
    reference_of,
    training_values,
)
from unspool.planning.speeds import Measure, measure_speeds
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.records import Record, Records
from unspool.text.tokenizers.registry import Tokenizer
from unspool.training.config import TrainingConfig

MEASURING, LONGEST_MEASURING = 0.05, 3.0  # share of the time, and seconds, for timing the candidates
FOR_BATCHES = 0.2  # of that, for choosing the batch size


class TrainingPlan(NamedTuple):
    """Tell what was chosen, and why.

    Args:
        network: The network.
        training: How to train it; its `minutes` are what is left of them for the run.
        reasons: Why, in sentences for people.
    """

    network: NetworkConfig
    training: TrainingConfig
    reasons: tuple[str, ...]


def plan_training(
    records: Records | Iterable[str | Record | Mapping[str, str]],
    *,
    minutes: float,
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    validation: Records | None = None,
    measure: Measure = measure_speeds,
    clock: Callable[[], float] = time.monotonic,
) -> TrainingPlan:
    """Choose a network and its training so that the minutes lower the held-out bits per character most.

    The minutes are for everything from this call on: looking at the text and timing a few steps of the
    candidates (both happen here), reading the text again, learning, and measuring the held-out text. Give
    the result to `train` at once.

    Args:
        records: The texts; they must be such as can be read again, so not standard input.
        minutes: Wall time of the whole, > 0.
        network: Values of `NetworkConfig` that are fixed, by name; the rest is chosen around them.
        training: Values of `TrainingConfig` that are fixed, without `epochs` and `minutes`.
        tokenizer: As `train` will get it.
        max_vocab_size: As `train` will get it.
        validation: As `train` will get it.
        measure: Gives the speed of each candidate.
        clock: Seconds, from anywhere.

    Returns:
        The network, the training and the reasons.

    Raises:
        ConfigError: If a value is out of its range, or the minutes are too few to read the text and learn.
        CorpusError: If the text cannot be read.
    """
    began, total = clock(), 60.0 * _checked_minutes(minutes)
    kept = dict(training or {})
    for name in ("epochs", "minutes"):
        check(f"training[{name!r}]", kept.get(name), "nothing: the minutes decide", name not in kept)
    own = dict(network or {})
    from_dict(NetworkConfig, own, where="network")
    draft = from_dict(
        TrainingConfig,
        {"sequence_length": SEQUENCE_LENGTH, **kept, "epochs": None, "minutes": minutes},
        where="training",
    )
    texts = records if isinstance(records, Records) else Records.of(records)
    recipe = EncodingRecipe(
        tokenizer=tokenizer,
        max_vocab_size=max_vocab_size,
        grow=isinstance(tokenizer, Tokenizer),
        normalization=texts.normalization,
    )
    look = partial(look_at, recipe=recipe, clock=clock)
    facts, measured_with = look(texts), None if validation is None else look(validation)
    tried, seconds = networks(own, facts), min(LONGEST_MEASURING, MEASURING * total)
    if "batch_size" not in kept:
        draft = replace(draft, batch_size=_batch_size(reference_of(tried), draft, seconds, measure))
    speeds = measure(tried, draft, (1 - FOR_BATCHES) * seconds)
    spent = clock() - began
    found = [
        _candidate(each, speed, facts, measured_with, kept, total=total, spent=spent)
        for each, speed in zip(tried, speeds, strict=False)
    ]
    able = [each for each in found if each.budget.enough]
    if not able:
        raise found[0].budget.refusal()
    best = largest_worth_its_time(able)
    values = {"vocab_size": None, **network_values(best), **own}  # the tokenizer will fix it
    chosen = replace(best.network, **values)
    values = {**training_values(best), **kept}
    steps = best.passes * best.text_symbols / (draft.batch_size * draft.sequence_length)
    values = {"evaluate_every": max(1, math.ceil(steps / best.budget.evaluations)), **values}
    config = replace(draft, **{**values, "minutes": best.budget.run / 60})
    return TrainingPlan(chosen, config, tell(facts, found, best, chosen, config, kept={**own, **kept}))


def _checked_minutes(minutes: float) -> float:
    ok = is_real(minutes) and 0 < minutes < math.inf
    check("minutes", minutes, "a number > 0", ok)
    return float(minutes)


def _batch_size(network: NetworkConfig, training: TrainingConfig, seconds: float, measure: Measure) -> int:
    """Time a network with every batch size, and choose."""
    share = FOR_BATCHES * seconds / len(BATCH_SIZES)
    return batch_size(
        [measure([network], replace(training, batch_size=lanes), share)[0] for lanes in BATCH_SIZES]
    )


def _candidate(
    network: NetworkConfig,
    speed: float,
    facts: CorpusFacts,
    validation: CorpusFacts | None,
    kept: Mapping[str, Any],
    *,
    total: float,
    spent: float,
) -> Candidate:
    """Work out what the time lets a network do."""
    if "validation_fraction" in kept:
        share = kept["validation_fraction"]
    else:
        share = held_out_share(facts, total=total, speed=speed)
    own_share = 0.0 if validation is not None else share or 0.0
    held_out = own_share * facts.symbols if validation is None else validation.symbols
    reading = facts.seconds + (0.0 if validation is None else validation.seconds)
    budget = Budget(total=total, spent=spent, reading=reading, evaluation=held_out / (FORWARD * speed))
    return Candidate(
        network=network,
        speed=speed,
        share=share,
        budget=budget,
        symbols=speed * max(0.0, budget.learning),
        text_symbols=(1 - own_share) * facts.symbols,
    )
