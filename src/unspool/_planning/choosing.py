"""`plan_training`: choose the network and its training for a text, this machine and a time."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from unspool._configuration import check, from_dict, is_real, to_dict
from unspool._errors import ConfigError
from unspool._model.parts import ModelParts
from unspool._network.config import NetworkConfig
from unspool._planning.budget import FORWARD, LEAST_LEARNING, Budget, held_out_share
from unspool._planning.facts import CorpusFacts, look_at
from unspool._planning.reasons import tell
from unspool._planning.rule import (
    BATCH_SIZES,
    USUAL,
    Candidate,
    batch_size,
    largest_worth_its_time,
    network_values,
    networks,
    reference_of,
    training_values,
)
from unspool._planning.speeds import Measure, measure_speeds
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable, as_records
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.config import TrainingConfig
from unspool._training.stepping.ranks import several
from unspool._views.html import html_table, spelled_number

MEASURING, LONGEST_MEASURING = 0.05, 3.0  # share of the time, and most seconds, to time the candidates
FOR_BATCHES = 0.2  # share of that time to choose the batch size


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a choice is made from.

    Args:
        facts: The facts about the text.
        validation: The facts about the held-out texts that the user gave, or None.
        structure: The values of the network that stay.
        fixed: The values of the training that stay.
        draft: The training configuration before the choice.
        networks: The networks to choose from, the smallest first.
        speeds: Training speed in tokens a second of each of them, or of the first ones.
        total: Seconds of the whole command.
        spent: Seconds that are over.
    """

    facts: CorpusFacts
    validation: CorpusFacts | None
    structure: Mapping[str, Any]
    fixed: Mapping[str, Any]
    draft: TrainingConfig
    networks: Sequence[NetworkConfig]
    speeds: Sequence[float]
    total: float
    spent: float

    def candidates(self) -> list[Candidate]:
        """Return what each timed network can do in the time."""
        return [
            _candidate(network, speed, self)
            for network, speed in zip(self.networks, self.speeds, strict=False)
        ]

    def plan(self, best: Candidate) -> "TrainingPlan":
        """Return the plan for a candidate, without reasons."""
        values = {"vocab_size": None, **network_values(best), **self.structure}  # the tokenizer will fix it
        training = {"evaluate_every": round(1 / best.budget.evaluations, 4), **training_values(best)}
        training |= {**self.fixed, "minutes": best.budget.run / 60}
        return TrainingPlan(
            replace(best.network, **values), replace(self.draft, **training), basis=self, best=best
        )


@dataclass(frozen=True)
class TrainingPlan:
    """The chosen network and training, with the reasons; it can be unpacked into these three.

    Args:
        network: The network.
        training: The training configuration; its `minutes` are the part that is left for the run.
        reasons: The reasons, in sentences for people.
        basis: What the choice was made from; `train(plan=…)` needs it to choose anew. None for a plan that
            stays as it is.
        best: The chosen candidate of `basis`.

    Example:
        >>> from unspool import plan_training
        >>> network, training, reasons = plan_training(["a cat", "a dog"] * 50, minutes=0.2)
        >>> network.cell
        'lstm'
    """

    network: NetworkConfig
    training: TrainingConfig
    reasons: tuple[str, ...] = ()
    basis: Basis | None = field(default=None, repr=False, compare=False, kw_only=True)
    best: Candidate | None = field(default=None, repr=False, compare=False, kw_only=True)

    def __iter__(self) -> Iterator[Any]:
        """Return the network, the training and the reasons in turn."""
        return iter((self.network, self.training, self.reasons))

    def after_reading(self, seconds: float) -> "TrainingPlan":
        """Return the plan with what reading the text really left of the time.

        Args:
            seconds: Seconds that it took.

        Example:
            >>> from unspool import plan_training
            >>> plan = plan_training(["a cat", "a dog"] * 50, minutes=0.2)
            >>> plan.after_reading(1.0).network == plan.network
            True
        """
        if self.best is None:
            return self
        budget = replace(self.best.budget, reading=seconds)
        left = max(budget.run, LEAST_LEARNING * budget.total)
        return replace(
            self,
            training=replace(self.training, minutes=left / 60),
            best=replace(self.best, budget=budget),
        )

    def __repr__(self) -> str:
        """Return both configurations, without the reasons."""
        return f"{type(self).__name__}(network={self.network!r}, training={self.training!r})"

    def _repr_html_(self) -> str:
        """Return what was chosen for a notebook, with the reasons below."""
        chosen = {**to_dict(self.network), **to_dict(self.training)}
        usual = {**to_dict(NetworkConfig()), **to_dict(TrainingConfig())}
        rows = [
            (name, spelled_number(value) if isinstance(value, float) else str(value))
            for name, value in chosen.items()
            if value != usual[name]
        ]
        return html_table(
            ("option", "value"), rows, title="Training plan", count=len(rows), notes=self.reasons
        )


def plan_training(
    records: Readable,
    *,
    minutes: float,
    network: NetworkConfig | Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    validation: Readable | None = None,
    init_from: ModelParts | None = None,
    measure: Measure = measure_speeds,
    clock: Callable[[], float] = time.monotonic,
) -> TrainingPlan:
    """Choose a network and its training for the lowest held-out bits per character in some minutes.

    The minutes start with this call. They cover looking at the text and timing a few steps of the candidates
    (both happen here), reading the text again, learning, and evaluating. Pass the result to `train` at once.

    Args:
        records: The texts, as `train` takes them; they must be readable twice, so standard input is refused.
        minutes: Wall time of the whole command, > 0.
        network: Fixed values of `NetworkConfig`, by name; the other values are chosen. A whole
            `NetworkConfig` stays as it is.
        training: Fixed values of `TrainingConfig`, by name, without `epochs` and `minutes`.
        tokenizer: The tokenizer that `train` will get.
        max_vocab_size: The `max_vocab_size` that `train` will get.
        validation: The held-out texts that `train` will get.
        init_from: The model that `train` will continue; its network and tokenizer stay.
        measure: A function that returns the speed of each candidate.
        clock: A function that returns the time in seconds, from any starting point.

    Returns:
        The network, the training and the reasons.

    Raises:
        ConfigError: If a value is out of its range, or the minutes are too few to read the text and learn.
        CorpusError: If the text cannot be read.

    Example:
        >>> from unspool import plan_training
        >>> plan = plan_training(["a cat", "a dog"] * 50, minutes=0.2, network={"cell": "gru"})
        >>> plan.network.cell
        'gru'
    """
    began, total = clock(), 60.0 * _checked_minutes(minutes)
    fixed = dict(training or {})
    for name in ("epochs", "minutes"):
        check(name, fixed.get(name), "left out of training: minutes decides it", name not in fixed)
    structure = _fixed_network(network, init_from)
    from_dict(NetworkConfig, structure, where="")
    draft = from_dict(
        TrainingConfig,
        {**USUAL, **fixed, "epochs": None, "minutes": minutes},
        where="",
    )
    texts = as_records(records)
    if init_from is not None:
        tokenizer, max_vocab_size = init_from.tokenizer, None
    recipe = EncodingRecipe(
        tokenizer=tokenizer,
        max_vocab_size=max_vocab_size,
        grow=isinstance(tokenizer, Tokenizer),
        normalization=texts.normalization,
    )
    look = partial(look_at, recipe=recipe, clock=clock)
    facts, measured_with = (
        look(texts),
        None if validation is None else look(as_records(validation, what="validation")),
    )
    tried_networks, seconds = networks(structure, facts), min(LONGEST_MEASURING, MEASURING * total)
    if "batch_size" not in fixed:
        draft = replace(draft, batch_size=_batch_size(reference_of(tried_networks), draft, seconds, measure))
    basis = Basis(
        facts=facts,
        validation=measured_with,
        structure=structure,
        fixed=fixed,
        draft=draft,
        networks=tried_networks,
        speeds=measure(tried_networks, draft, (1 - FOR_BATCHES) * seconds),
        total=total,
        spent=clock() - began,
    )
    timed = basis.candidates()
    able = [each for each in timed if each.budget.enough]
    if not able:
        raise timed[0].budget.refusal()
    best = largest_worth_its_time(able)
    plan = basis.plan(best)
    reasons = tell(facts, timed, best, plan.network, plan.training, kept={**structure, **fixed})
    return replace(plan, reasons=reasons)


def _checked_minutes(minutes: float) -> float:
    if several():
        hint = "choose epochs, the network and the batch yourself, or plan with one process first"
        raise ConfigError("minutes choose a training for one process, and there are several", hint=hint)
    ok = is_real(minutes) and 0 < minutes < math.inf
    check("minutes", minutes, "a number > 0", ok)
    return float(minutes)


def _fixed_network(
    network: NetworkConfig | Mapping[str, Any] | None, init_from: ModelParts | None
) -> dict[str, Any]:
    """Return the values of the network that stay; the text decides how many symbols there are."""
    values = to_dict(network) if isinstance(network, NetworkConfig) else dict(network or {})
    if init_from is None:
        return values
    return {
        name: value for name, value in to_dict(init_from.network).items() if name != "vocab_size"
    } | values


def _batch_size(network: NetworkConfig, training: TrainingConfig, seconds: float, measure: Measure) -> int:
    """Time a network with every batch size, and return the best size."""
    share = FOR_BATCHES * seconds / len(BATCH_SIZES)
    return batch_size(
        [measure([network], replace(training, batch_size=lanes), share)[0] for lanes in BATCH_SIZES]
    )


def _candidate(network: NetworkConfig, speed: float, basis: Basis) -> Candidate:
    """Compute what a network can do in the time."""
    facts, validation = basis.facts, basis.validation
    if "validation_fraction" in basis.fixed:
        share = basis.fixed["validation_fraction"]
    else:
        share = held_out_share(facts, total=basis.total, speed=speed)
    split_share = 0.0 if validation is not None else share or 0.0
    held_out = split_share * facts.symbols if validation is None else validation.symbols
    reading = facts.seconds + (0.0 if validation is None else validation.seconds)
    budget = Budget(
        total=basis.total, spent=basis.spent, reading=reading, evaluation=held_out / (FORWARD * speed)
    )
    return Candidate(
        network=network,
        speed=speed,
        share=share,
        budget=budget,
        symbols=speed * max(0.0, budget.learning),
        text_symbols=(1 - split_share) * facts.symbols,
    )
