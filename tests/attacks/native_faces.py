"""The faces of the native module, each with arguments that fit, and the damages that are done to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.cpu import CpuEngine
from unspool._kernels.adapting import AdaptiveCounts
from unspool._kernels.conditions import WindowConditions
from unspool._kernels.counts import CountMixer, CountTable, count
from unspool._kernels.lines import Lines, Numbering, find_lines, recode
from unspool._kernels.machine import thread_team
from unspool._kernels.matching import Matcher, hash_records
from unspool._kernels.network import NativeNetwork
from unspool._kernels.optimizers import Coefficients, optimizer_step
from unspool._kernels.precision import round_to_bf16
from unspool._kernels.products import multiply
from unspool._kernels.writer import Automaton, NativeWriter, stage_names
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

Arguments = dict[str, Any]
CONFIG = NetworkConfig(cell="gru", hidden_size=5, num_layers=2, embedding_size=3, vocab_size=6, residual=True)
STEPS, LANES, GATES, RECORDS = 4, 3, 15, 2
FILL = 0x5A


@dataclass(frozen=True)
class Face:
    """A call into the native module.

    Args:
        bound: The names in the native module that it reaches.
        make: Makes arguments that fit, by name; "gradients.output.bias" is one of several arrays.
        call: The call.
        free: Names of arrays that may have another length or be empty.
        written: Beginnings of the names of arrays that it writes to.
    """

    bound: frozenset[str]
    make: Callable[[], Arguments]
    call: Callable[[Arguments], object]
    free: frozenset[str] = frozenset()
    written: tuple[str, ...] = field(default=())


def guarded(array: NDArray[Any]) -> tuple[NDArray[Any], Callable[[], bool]]:
    """Return a copy with other memory around it, and whether that memory is still what it was."""
    room = np.full(array.nbytes + 2 * 512, FILL, np.uint8)
    inside = room[512 : 512 + array.nbytes].view(array.dtype).reshape(array.shape)
    inside[...] = array
    return inside, lambda: bool((room[:512] == FILL).all() and (room[512 + array.nbytes :] == FILL).all())


def refused_damages(array: NDArray[Any], *, free: bool, written: bool) -> Iterator[tuple[str, Any]]:
    """Yield what no call may take in the place of an array, each with a word for it."""
    for dtype in ("f8", "i8", "?", ">f4", "c8", "O"):
        if array.dtype != dtype:
            yield f"as {dtype}", array.astype(dtype)
    if array.size > 1:
        yield "with gaps", np.repeat(array[..., None], 2, -1)[..., 0]
        yield "of no axis", array.ravel()[0]
    yield "of one more axis", array[None]
    if array.ndim > 1:
        yield "in one row", array.ravel()
    if written:
        locked = array.copy()
        locked.flags.writeable = False
        yield "locked", locked
    if free:
        return
    yield "empty", array[:0]
    yield "longer", np.concatenate([array, array[:1]])
    yield "shorter", np.ascontiguousarray(array[:-1])
    if array.ndim > 1:
        yield "wider", np.concatenate([array, array[..., :1]], -1)
        yield "narrower", np.ascontiguousarray(array[..., :-1])
    if array.T.shape != array.shape:
        yield "turned", np.ascontiguousarray(array.T)


def odd_values(array: NDArray[Any]) -> Iterator[tuple[str, Any]]:
    """Yield arrays of the same kind with values that may or may not make sense, each with a word for it."""
    if array.dtype.kind == "f":
        numbers: tuple[Any, ...] = (np.nan, np.inf, -np.inf, np.finfo(array.dtype).max, 0.0)
    elif array.dtype == np.bool_:
        numbers = (True, False)
    else:
        limits = np.iinfo(array.dtype)
        numbers = (limits.min, limits.max, limits.max // 2 + 1, 0, 6)
    for number in numbers:
        yield f"full of {number}", np.full_like(array, number)
        if array.size > 1:
            one = array.copy()
            one.flat[-1] = number
            yield f"with {number} at the end", one
    yield "empty", array[:0]
    yield "longer", np.concatenate([array, array[:1]])
    yield "shorter", np.ascontiguousarray(array[:-1])


def odd_numbers() -> Iterator[tuple[str, Any]]:
    """Yield what may stand in the place of a number."""
    for value in (-1, 0, 1, 7, 2**31, 2**63, 2**70, -(2**31) - 1, 0.5, float("nan"), float("inf"), None, "x"):
        yield f"{value!r}", value


def _group(arguments: Arguments, name: str) -> dict[str, Any]:
    """Return the arrays of one group by their names."""
    return {
        key.removeprefix(f"{name}."): value for key, value in arguments.items() if key.startswith(f"{name}.")
    }


def _floats(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _ids(*shape: int) -> NDArray[np.int32]:
    return np.random.default_rng(0).integers(1, 6, shape).astype(np.int32)


def _network() -> NativeNetwork:
    return CpuEngine(CONFIG, threads=2)._network


def _parameters(name: str) -> Arguments:
    return {f"{name}.{key}": array for key, array in initialize(CONFIG, 0).items()}


def _window() -> Arguments:
    return {
        **_parameters("parameters"),
        "ids": _ids(STEPS, LANES),
        "state": _floats(2, 1, LANES, 5),
        "reset_id": 5,
    }


def _step_arguments() -> Arguments:
    starts = np.full((STEPS, LANES), -1, np.int32)
    starts[0, 0], starts[2, 1] = 0, 1
    return {
        **_window(),
        **_parameters("gradients"),
        "targets": _ids(STEPS, LANES),
        "masks": _floats(2, LANES, 5),
        "losses": _floats(STEPS, LANES),
        "conditions.records": np.zeros((STEPS, LANES), np.int32),
        "conditions.context": _floats(RECORDS, GATES),
        "conditions.context_grad": _floats(RECORDS, GATES),
        "conditions.starts": starts,
        "conditions.start_states": _floats(2, 2, 1, 5),
        "conditions.start_states_grad": _floats(2, 2, 1, 5),
        "conditions.final_grad": _floats(2, 1, LANES, 5),
    }


def _step(arguments: Arguments) -> object:
    return _network().step(
        _group(arguments, "parameters"),
        arguments["ids"],
        arguments["targets"],
        arguments["state"],
        reset_id=arguments["reset_id"],
        masks=arguments["masks"],
        losses=arguments["losses"],
        gradients=_group(arguments, "gradients"),
        conditions=WindowConditions(**_group(arguments, "conditions")),
    )


def _logits(arguments: Arguments) -> object:
    network, parameters = _network(), _group(arguments, "parameters")
    state = arguments["state"]
    given = network.logits(parameters, arguments["ids"], state, reset_id=arguments["reset_id"])
    network.load(parameters)
    return given, network.logits(None, arguments["ids"], state, reset_id=arguments["reset_id"])


def _writer_arguments() -> Arguments:
    automaton = {
        "classes": np.array([0, 0, 1, 1, 0, 0], np.int32),
        "transitions": np.array([[0, 1], [1, 0]], np.int32),
        "distance": np.array([0, 1], np.int32),
        "start": 0,
    }
    return {
        **_parameters("parameters"),
        **{f"guide.{name}": value for name, value in automaton.items()},
        **{f"stop.{name}": value for name, value in automaton.items()},
        "prompts.0": np.array([1, 2], np.int32),
        "prompts.1": np.array([3], np.int32),
        "keys": np.array([1, 2], np.uint64),
        "start": _floats(2, 2, 1, 5),
        "guide_states": np.array([0, 1], np.int32),
        "first_bias": _floats(GATES),
        "recent": np.zeros((2, 16), np.int32),
        "max_new_tokens": 5,
        "end_id": 5,
        "penalty_last": 3,
        "alternatives": 2,
        "steps": 9,
        **{f"numbers.{name}.0": 1.0 for name in ("ignore_eos", "min_tokens", "no_repeat_ngram_size")},
        **{f"numbers.{name}.0": 1.0 for name in ("presence_penalty", "frequency_penalty")},
        **{f"numbers.{name}.0": 0.9 for name in ("repetition_penalty", "top_p", "typical_p")},
        "numbers.min_p.0": 0.1,
        **{f"numbers.{name}.0": 0.1 for name in ("epsilon_cutoff", "eta_cutoff", "top_n_sigma")},
        "numbers.top_k.0": 3.0,
        **_numbers("logit_bias", 2, 0.5, 3, -0.5),
        **_numbers("dry_multiplier", 0.5, 1.5, 1, 0, 1, 3, 2, 4, 1),
        **_numbers("temperature", 3, 0.5, 1.5),
        **_numbers("xtc_probability", 0.5, 0.1),
        **_numbers("mirostat_tau", 3, 0.1),
    }


def _numbers(stage: str, *numbers: float) -> Arguments:
    return {f"numbers.{stage}.{place}": number for place, number in enumerate(numbers)}


PENALTIES, SAMPLERS = stage_names()


def _write(arguments: Arguments) -> object:
    def stages(names: tuple[str, ...]) -> list[tuple[str, list[float]]]:
        return [(name, list(_group(arguments, f"numbers.{name}").values())) for name in names]

    writer = NativeWriter(_network(), _group(arguments, "parameters"))
    usual = {
        "end_id",
        "max_new_tokens",
        "penalty_last",
        "alternatives",
        "first_bias",
        "keys",
        "start",
        "recent",
    }
    first = writer.add(
        prompts=list(_group(arguments, "prompts").values()),
        guide=Automaton(**_group(arguments, "guide")),
        guide_states=arguments["guide_states"],
        stop=Automaton(**_group(arguments, "stop")),
        penalties=stages(PENALTIES),
        samplers=stages(SAMPLERS),
        counts=_table(),
        echo=True,
        **{name: arguments[name] for name in usual},
    )
    return writer.advance(arguments["steps"]), writer.remove(first[0])


def _optimizer_arguments() -> Arguments:
    shapes = ((3, 4), (5,))
    groups = ("parameters", "gradients", "slots.0", "slots.1")
    arrays = {f"{group}.{i}": _floats(*shape) ** 2 for group in groups for i, shape in enumerate(shapes)}
    numbers = {"code": 0, "step": 1, "learning_rate": 0.1, "clip_norm": 1.0, "decays.0": 0.0, "decays.1": 0.1}
    return {**arrays, **numbers}


def _optimize(arguments: Arguments) -> object:
    def listed(name: str) -> list[Any]:
        return list(_group(arguments, name).values())

    return optimizer_step(
        arguments["code"],
        listed("parameters"),
        listed("gradients"),
        [listed("slots.0"), listed("slots.1")],
        listed("decays"),
        coefficients=Coefficients(
            step=arguments["step"],
            learning_rate=arguments["learning_rate"],
            beta1=0.9,
            beta2=0.9,
            epsilon=1e-8,
        ),
        clip_norm=arguments["clip_norm"],
        threads=2,
    )


def _match(arguments: Arguments) -> object:
    matcher = Matcher(arguments["texts"])
    matcher.scan(arguments["ids"])
    return matcher.matches()


def _table() -> CountTable:
    ids = np.array([1, 2, 3, 5, 1, 2, 4, 5, 1, 2, 3, 5], np.uint8)
    table = count(ids, vocab_size=6, order=2, end_id=5)
    assert table is not None
    return table


def _mixing_arguments() -> Arguments:
    return {
        **{f"table.{name}": array.copy() for name, array in _table().arrays().items()},
        "logits": _floats(3, 6),
        "contexts": np.array([[1, 5], [2, 1], [0, 0]], np.int32),
        "targets": np.array([2, 3, 0], np.int32),
    }


def _mix(arguments: Arguments) -> object:
    mixer = CountMixer(CountTable(**_group(arguments, "table")), 6, threads=2)
    return mixer.mix(arguments["logits"], arguments["contexts"], arguments["targets"])


def _number(arguments: Arguments) -> object:
    return Numbering().number(arguments["codes"], Lines(arguments["bounds"], arguments["held_out"]))


CODES = np.frombuffer(b"ab\nc\n\nabc", np.uint8)
FACES = {
    "multiply": Face(
        frozenset({"multiply"}),
        lambda: {"a": _floats(3, 4), "b": _floats(4, 5)},
        lambda given: (
            multiply(**given),
            multiply(np.ascontiguousarray(given["a"].T), given["b"], transposed=True),
        ),
    ),
    "round_to_bf16": Face(
        frozenset({"round_to_bf16", "has_bf16", "kernel_names"}),
        lambda: {"values": _floats(7)},
        lambda given: round_to_bf16(**given),
        free=frozenset({"values"}),
    ),
    "find_lines": Face(
        frozenset({"find_lines"}),
        lambda: {"codes": CODES, "limit": 1 << 63},
        lambda given: find_lines(**given),
        free=frozenset({"codes"}),
    ),
    "number_lines": Face(
        frozenset({"number_lines"}),
        lambda: {
            "codes": CODES,
            "bounds": np.array([[0, 2], [3, 4], [6, 9]]),
            "held_out": np.array([False, True, False]),
        },
        _number,
        free=frozenset({"codes"}),
    ),
    "recode": Face(
        frozenset({"recode"}),
        lambda: {"numbers": np.array([2, 0, 1], np.uint8), "table": np.array([7, 8, 9], np.uint16)},
        lambda given: recode(**given),
        free=frozenset({"numbers", "table"}),
    ),
    "hash_records": Face(
        frozenset({"hash_records"}),
        lambda: {"ids": np.arange(9, dtype=np.uint16), "starts": np.array([0, 4]), "ends": np.array([4, 9])},
        lambda given: hash_records(**given),
        free=frozenset({"ids"}),
    ),
    "matcher": Face(
        frozenset({"Matcher"}),
        lambda: {"texts": np.array([1, 2, 0, 2, 3], np.int32), "ids": np.array([2, 3, 1, 2], np.uint8)},
        _match,
        free=frozenset({"texts", "ids"}),
    ),
    "count": Face(
        frozenset({"count"}),
        lambda: {"ids": np.array([1, 2, 5], np.uint8), "vocab_size": 6, "order": 2, "end_id": 5, "least": 1},
        lambda given: count(**given),
        free=frozenset({"ids"}),
    ),
    "mix": Face(frozenset({"mix_counts", "CountTable"}), _mixing_arguments, _mix, written=("logits",)),
    "adapt": Face(
        frozenset({"AdaptiveCounts"}),
        lambda: {"ids": np.array([1, 2, 3], np.int32), "nats": _floats(3)},
        lambda given: AdaptiveCounts(5).adapt(given["ids"], given["nats"]),
    ),
    "optimize": Face(
        frozenset({"optimize"}), _optimizer_arguments, _optimize, written=("parameters.", "slots.")
    ),
    "step": Face(
        frozenset({"Network", "Conditions"}),
        _step_arguments,
        _step,
        written=("gradients.", "losses", "state", "conditions.context_grad", "conditions.start_states_grad"),
    ),
    "logits": Face(
        frozenset({"Network", "ThreadTeam"}), _window, _logits, free=frozenset({"ids"}), written=("state",)
    ),
    "write": Face(
        frozenset({"Writer", "Automaton", "stage_names"}),
        _writer_arguments,
        _write,
        free=frozenset({"prompts.0", "prompts.1"}),
    ),
    "thread_team": Face(
        frozenset({"ThreadTeam"}), lambda: {"threads": 1}, lambda given: thread_team(given["threads"]).size
    ),
}
# What takes no array and no size: a flag that is set, the class of an error, a switch of the tests.
WITHOUT_ARGUMENTS = {"compiler", "StopFlag", "StoppedError", "set_leak_warnings"}
