"""The face of the native loop refuses what the loop would take for something else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool.engines.cpu import CpuEngine
from unspool.kernels.generation import Automaton, Decoding, Sequences, generate
from unspool.network.config import NetworkConfig
from unspool.network.parameters import initialize
from unspool.text.streams.lanes import Window

CONFIG = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=6)
ONE = np.array([1], np.int32)
AUTOMATON = Automaton(
    classes=np.zeros(6, np.int32), transitions=np.zeros((1, 1), np.int32), distance=np.zeros(1, np.int32)
)


def sequences(**changes: Any) -> Sequences:
    whole = Sequences(
        prompts=[ONE],
        contexts=None,
        keys=np.zeros(1, np.uint64),
        drawn=np.zeros(1, np.int64),
        state=np.zeros((1, 1, 1, 4), np.float32),
        from_state=False,
        guide_states=np.zeros(1, np.int32),
        stop_states=np.zeros(1, np.int32),
        max_new_tokens=3,
        limit=3,
        end_id=5,
        echo=False,
    )
    return replace(whole, **changes)


def run(given: Sequences, decoding: Decoding) -> Any:
    engine = CpuEngine(CONFIG, threads=1)
    return generate(engine._network, initialize(CONFIG, 0), given, decoding)


def test_what_fits_runs() -> None:
    (drawn,) = run(sequences(), Decoding(guide=AUTOMATON, stop=AUTOMATON))
    assert len(drawn.ids) >= 1
    assert run(sequences(prompts=[]), Decoding()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": [np.empty(0, np.int32)]},
        {"prompts": [np.array([6], np.int32)]},
        {"prompts": [np.array([1], np.int64)]},
        {"contexts": [np.array([-1], np.int32)]},
        {"keys": np.zeros(2, np.uint64)},
        {"drawn": np.zeros(1, np.int32)},
        {"state": np.zeros((1, 1, 1, 5), np.float32)},
        {"guide_states": None},
        {"guide_states": np.ones(1, np.int32)},
        {"stop_states": -np.ones(1, np.int32)},
    ],
    ids=str,
)
def test_sequences_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        run(sequences(**changes), Decoding(guide=AUTOMATON, stop=AUTOMATON))


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": np.ones(6, np.int32)},
        {"classes": np.zeros(5, np.int32)},
        {"transitions": np.ones((1, 1), np.int32)},
        {"transitions": np.zeros((1, 1), np.int64)},
        {"distance": np.zeros(2, np.int32)},
        {"start": 1},
    ],
    ids=str,
)
def test_automata_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        run(sequences(), Decoding(guide=replace(AUTOMATON, **changes)))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"penalties": [("logit_bias", [6, 1.0])]}, "logit_bias: expected ids"),
        ({"penalties": [("min_tokens", [])]}, "min_tokens: expected numbers"),
        ({"samplers": [("temperature", [5])]}, "temperature: expected numbers"),
        ({"samplers": [("top_q", [0.5])]}, "no stage named top_q"),
        ({"penalties": [("top_p", [0.5])]}, "no stage named top_p"),
    ],
    ids=str,
)
def test_stages_that_do_not_fit_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        run(sequences(), Decoding(**changes))


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.filterwarnings("ignore:bf16")
def test_what_a_step_has_packed_over_is_loaded_again(precision: str) -> None:
    engine, parameters = CpuEngine(CONFIG, threads=1, precision=precision), initialize(CONFIG, 0)
    decoding, ids = Decoding(), np.ones((2, 1), np.int32)
    engine._network.load(parameters)
    (before,) = generate(engine._network, None, sequences(), decoding)
    engine.loss_and_gradients(initialize(CONFIG, 1), Window(ids, ids), engine.initial_state(1), reset_id=None)
    (after,) = generate(engine._network, None, sequences(), decoding)
    np.testing.assert_array_equal(after.ids, before.ids)


def test_parameters_are_brought_or_were_loaded() -> None:
    with pytest.raises(RuntimeError, match="parameters: expected some"):
        generate(CpuEngine(CONFIG, threads=1)._network, None, sequences(), Decoding())
