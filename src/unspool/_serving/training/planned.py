"""What a training of an uploaded text would do."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unspool._errors import CorpusError
from unspool._network.parameters import count_parameters
from unspool._planning.choosing import plan_training
from unspool._planning.mode import read_as_it_looks
from unspool._serving.training.reading import Wishes
from unspool._text.opening import as_records


def planned(path: Path, wishes: Wishes) -> dict[str, Any]:
    """Return what a training of some minutes would do, in plain JSON types.

    Args:
        path: The file.
        wishes: How it is to be read, with the minutes.

    Raises:
        InputError: If the time is too short, or the file cannot be read.
    """
    reading = wishes.options() | ({"text": wishes.column} if wishes.column is not None else {})
    records, _ = read_as_it_looks(partial(as_records, path), reading)
    plan = plan_training(records, minutes=wishes.minutes or 0.0, tokenizer=wishes.tokenizer)
    if plan.basis is None or plan.best is None:
        raise CorpusError("no plan", expected="a choice of a network")
    symbols = plan.basis.facts.vocab_size
    return {
        "minutes": wishes.minutes,
        "cell": plan.network.cell,
        "hidden_size": plan.network.hidden_size,
        "num_layers": plan.network.num_layers,
        "symbols": symbols,
        "parameters": count_parameters(replace(plan.network, vocab_size=symbols)),
        "passes": plan.best.passes,
        "held_out": plan.training.validation_fraction,
        "reasons": list(plan.reasons),
    }
