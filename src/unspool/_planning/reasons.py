"""Explain in a few plain sentences what was chosen, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unspool._network.config import NetworkConfig
from unspool._planning.budget import USUAL_SHARE
from unspool._planning.facts import CorpusFacts
from unspool._planning.rule import LEARNING_RATE_FACTORS, Candidate, needed_symbols
from unspool._screen.wording import counted
from unspool._training.config import TrainingConfig


def tell(
    facts: CorpusFacts,
    found: Sequence[Candidate],
    best: Candidate,
    network: NetworkConfig,
    training: TrainingConfig,
    *,
    kept: Mapping[str, Any],
) -> tuple[str, ...]:
    """Return the sentences about what was chosen, and why.

    Args:
        facts: The facts about the text.
        found: All candidates that were timed, the smallest first.
        best: The chosen candidate.
        network: The network made from it.
        training: The training configuration.
        kept: The values that the user fixed.
    """
    return (
        _text(facts),
        _machine(found),
        " ".join(_size(found, best, kept)),
        _dropout(best, network, kept),
        _steps(best, training),
        *_unmeasured(network, kept),
        _time(best, training),
        *_held_out(training, kept),
        *_kept(kept),
    )


def _text(facts: CorpusFacts) -> str:
    about = "" if facts.complete else "about "
    texts = f"{counted(facts.records, 'text')} of {counted(facts.typical_length, 'symbol')}"
    how = "one document" if facts.document else texts
    characters = counted(facts.characters, "character")
    symbols = counted(facts.vocab_size, "different symbol")
    return f"The text: {about}{characters}, {symbols}, {how}."


def _machine(timed: Sequence[Candidate]) -> str:
    speeds = [f"{_rounded(each.speed)} with {each.network.hidden_size}" for each in timed]
    return f"Training speed of this machine, in symbols a second: {', '.join(speeds)} units."


def _size(timed: Sequence[Candidate], best: Candidate, fixed: Mapping[str, Any]) -> Iterator[str]:
    network = best.network
    layers = f"{network.num_layers} × " if network.num_layers > 1 else ""
    yield f"{layers}{network.cell} {network.hidden_size} reads {_rounded(best.symbols)} symbols in this time,"
    yield f"{best.symbols / best.text_symbols:,.1f} times the text."
    if best.ends_early:
        passes = counted(best.last_pass, "pass", "passes")
        yield f"It stops after {passes}: more would only memorize the text."
    if "hidden_size" in fixed:
        return
    larger = timed[timed.index(best) + 1 :]
    if best.symbols < needed_symbols(network):
        yield "That is little, but there is no smaller network of this kind."
    elif larger and not larger[0].budget.enough:
        yield f"{larger[0].network.hidden_size} units would leave no time for learning."
    elif larger:
        yield f"{larger[0].network.hidden_size} units could read only {_rounded(larger[0].symbols)}, and need"
        yield f"{_rounded(needed_symbols(larger[0].network))} to be better."
    else:
        yield "Larger networks would take too long to time, or would memorize a text of this size."


def _dropout(best: Candidate, network: NetworkConfig, fixed: Mapping[str, Any]) -> str:
    if "dropout" in fixed:
        return f"Dropout is {network.dropout:g}, as given."
    if not network.dropout:
        return "No dropout: the text is not read often enough to be memorized."
    return f"Dropout is {network.dropout:g}, since the text is read {best.passes:,.0f} times."


def _steps(best: Candidate, training: TrainingConfig) -> str:
    steps = max(1, best.passes * best.text_symbols / (training.batch_size * training.sequence_length))
    there = "is 1 step" if round(steps) == 1 else f"are {_rounded(steps)} steps"
    return (
        f"Each step reads {training.batch_size} × {training.sequence_length} symbols, so there {there}. "
        f"The learning rate rises to {training.learning_rate:g} and falls again ({training.schedule}). "
        f"The best model of {counted(best.budget.evaluations, 'evaluation')} is kept."
    )


def _unmeasured(network: NetworkConfig, fixed: Mapping[str, Any]) -> Iterator[str]:
    if network.cell not in LEARNING_RATE_FACTORS and "learning_rate" not in fixed:
        yield f"No learning rate was measured for {network.cell}: the lowest of the other cells is used."


def _time(best: Candidate, training: TrainingConfig) -> str:
    budget = best.budget
    return (
        f"Time: {budget.total:,.0f} s in all. {budget.spent:.1f} s were spent on this choice, "
        f"{budget.reading:.1f} s are for reading, {60 * (training.minutes or 0):,.1f} s for training and "
        f"{budget.evaluation:.1f} s for the last evaluation."
    )


def _held_out(training: TrainingConfig, fixed: Mapping[str, Any]) -> Iterator[str]:
    if "validation_fraction" in fixed or training.validation_fraction == USUAL_SHARE:
        return
    if training.validation_fraction is None:
        yield "No text is held out: there are too few."
    else:
        yield f"{training.validation_fraction:.2%} of the text is held out: more would take too long."


def _kept(fixed: Mapping[str, Any]) -> Iterator[str]:
    if fixed:
        yield f"Kept as given: {', '.join(f'{name} {value}' for name, value in fixed.items())}."


def _rounded(number: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{number:.2g}'):,.0f}"
