"""What is told of a run, worked out by hand from its figures and its configuration."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool import NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._serving.watching import facts
from unspool._serving.watching.facts import commands_of, newest, seconds_left, small_curve, state_of


@pytest.mark.parametrize(
    ("at_work", "trouble", "finished", "silence", "state"),
    [
        (True, "x", True, 1e9, "training"), (None, None, False, 29.5, "training"),
        (None, None, False, 30.0, "stopped"), (None, None, True, 0.0, "finished"),
        (False, None, False, 0.0, "stopped"), (False, "x", True, 0.0, "broken"),
        (False, None, True, 0.0, "finished"),
        (None, "x", False, 0.0, "training"),
    ],
)  # fmt: skip
def test_the_state_of_a_run(
    at_work: bool | None, trouble: str | None, finished: bool, silence: float, state: str
) -> None:
    assert state_of(at_work, trouble, finished=finished, silence=silence) == state


@pytest.mark.parametrize(
    ("seconds", "progress", "silence", "left"),
    [
        (10.0, 0.25, 0.0, 30.0), (10.0, 0.25, 4.0, 26.0), (10.0, 0.25, 99.0, 0.0), (10.0, 0.25, -5.0, 30.0),
        (10.0, 1.0, 0.0, 0.0), (10.0, 0.0, 0.0, None), (10.0, None, 0.0, None), (10.0, 1.5, 0.0, None),
        (10.0, -0.5, 0.0, None),
    ],
)  # fmt: skip
def test_the_time_that_is_left(
    seconds: float, progress: float | None, silence: float, left: float | None
) -> None:
    assert seconds_left(seconds, progress, silence) == left


def span(step: int, bits: float, count: int = 1) -> Any:
    return (count, step, 0.0, 0.0, bits, bits, bits)


def test_the_newest_figure_is_a_mean_of_the_last_spans() -> None:
    assert newest([]) is None
    assert newest([span(1, 2.0)]) == 2.0
    assert newest([span(1, 2.0), span(2, 4.0, 3)]) == 3.5
    many = [span(0, 1000.0)] + [span(number, float(number)) for number in range(1, 17)]
    assert newest(many) == 8.5


def test_a_small_curve_has_few_points() -> None:
    assert small_curve([]) == []
    points = 48
    assert small_curve([span(n, n / 3) for n in range(3)]) == [(0, 0.0), (1, 0.3333), (2, 0.6667)]
    whole = small_curve([span(n, float(n)) for n in range(points)])
    assert whole == [(n, float(n)) for n in range(points)]
    pairs = small_curve([span(n, float(n)) for n in range(points + 1)])
    assert pairs[:2] == [(1, 0.5), (3, 2.5)]
    assert pairs[-1] == (points, points if points % 2 == 0 else points - 0.5)

    def evaluations(count: int) -> list[dict[str, Any]]:
        return [{"step": n, "bits_per_character": n / 3 if n else None} for n in range(count)]

    assert facts._small_evaluations(evaluations(1)) == []
    assert facts._small_evaluations(evaluations(3)) == [(1, 0.3333), (2, 0.6667)]
    assert len(facts._small_evaluations(evaluations(points + 1))) == points
    few = [step for step, _ in facts._small_evaluations(evaluations(points + 2))]
    assert (few[:3], few[-1]) == ([1, 3, 5], points + 1)


def config(data: dict[str, Any] | None = None, **training: Any) -> Any:
    network = NetworkConfig(cell="gru", hidden_size=4, vocab_size=7)
    return cast("Any", SimpleNamespace(data=data or {}, training=training, network=network))


SAMPLE = "unspool sample ./-a --temperature 0.8"


@pytest.mark.parametrize(
    ("known", "resume", "more"),
    [
        (None, "unspool train --resume ./-a", None),
        (config(epochs=3), "unspool train --resume ./-a CORPUS",
         "unspool train --resume ./-a CORPUS --epochs 6"),
        (config({"records": {"source": "x"}}, epochs=None, minutes=1.5), "unspool train --resume ./-a",
         "unspool train --resume ./-a --minutes 3"),
        (config({"records": {"source": "x"}}, epochs=2, minutes=1.5), "unspool train --resume ./-a",
         "unspool train --resume ./-a --epochs 4"),
        (config({"records": {"source": "x"}}), "unspool train --resume ./-a", None),
    ],
)  # fmt: skip
def test_the_commands_for_a_run(known: Any, resume: str, more: str | None) -> None:
    assert commands_of(Path("-a"), known) == {"resume": resume, "more": more, "sample": SAMPLE}


def test_what_the_configuration_says() -> None:
    data = {"description": "d" * 301, "document": True, "precision": "bf16",
            "records": {"source": "-", "format": "csv", "normalization": "NFC"},
            "sizes": {"training": {"characters": 45, "records": 3},
                      "validation": {"characters": 5}}}  # fmt: skip
    known = config(data, epochs=3, minutes=None, seed=1)
    parameters = count_parameters(known.network)
    assert facts._described(known) == {
        "text": "d" * 300, "characters": 45, "epochs": 3, "minutes": None,
        "network": {"cell": "gru", "num_layers": 1, "hidden_size": 4, "parameters": parameters},
    }  # fmt: skip
    nothing = {"text": None, "characters": None, "network": None, "epochs": None, "minutes": None}
    assert facts._described("broken") == nothing
    assert facts._described(config())["text"] is None
    told = facts._configuration(known, "char")
    assert told["training"] == {"epochs": 3, "minutes": None, "seed": 1}
    assert (told["network"]["cell"], told["network"]["hidden_size"]) == ("gru", 4)
    assert told["data"] == {
        "description": "d" * 301, "document": True, "format": "csv", "tokenizer": "char",
        "normalization": "NFC", "training_characters": 45, "training_records": 3,
        "validation_characters": 5, "precision": "bf16",
    }  # fmt: skip
    assert facts._configuration(known, None)["data"]["tokenizer"] is None
    assert (facts._is_piped(known), facts._is_piped(config())) == (True, False)
    assert facts._audit_row(None) is None
    assert facts._audit_row({"verdict": "v", "stale": True, "more": 1}) == {"verdict": "v", "stale": True}
