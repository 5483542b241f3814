"""The native kernels against plain NumPy, for every instruction set of this processor."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._errors import ConfigError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._kernels.machine import kernel_names
from unspool._kernels.network import STAGES
from unspool._kernels.products import multiply
from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window

NAMES = kernel_names()


def random_window(config: NetworkConfig, *, steps: int, lanes: int) -> Window:
    random = np.random.default_rng(1)
    ids = random.integers(1, config.symbols, (steps, lanes)).astype(np.int32)
    targets = random.integers(0, config.symbols, (steps, lanes)).astype(np.int32)
    return Window(ids=ids, targets=targets)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("m", "k", "n"),
    [(1, 1, 1), (1, 128, 512), (2, 7, 65), (3, 5, 33), (13, 300, 100), (24, 17, 16), (25, 1, 84)],
)
def test_multiply_agrees_with_numpy(name: str, m: int, k: int, n: int) -> None:
    random = np.random.default_rng(m * 1000 + n)
    a = random.standard_normal((m, k)).astype(np.float32)
    b = random.standard_normal((k, n)).astype(np.float32)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(multiply(a, b, kernels=name), exact, rtol=0, atol=1e-6 * k)


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_product_do_not_depend_on_their_number(name: str) -> None:
    random = np.random.default_rng(0)
    a = random.standard_normal((29, 50)).astype(np.float32)
    b = random.standard_normal((50, 77)).astype(np.float32)
    whole = multiply(a, b, kernels=name)
    for rows in (1, 2, 3, 7, 12):
        part = multiply(np.ascontiguousarray(a[:rows]), b, kernels=name)
        assert np.array_equal(part, whole[:rows])


@pytest.mark.parametrize("cell", native_cells())
def test_every_instruction_set_computes_the_same_network(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = NetworkConfig(cell=cell, hidden_size=37, num_layers=2, vocab_size=41)
    parameters, window = initialize(config, 0), random_window(config, steps=6, lanes=5)
    results = {}
    for name in NAMES:
        monkeypatch.setenv("UNSPOOL_KERNELS", name)
        engine = CpuEngine(config, threads=2)
        loss, gradients, _ = engine.loss_and_gradients(
            parameters, window, engine.initial_state(5), reset_id=40
        )
        results[name] = loss.total, {key: value.copy() for key, value in gradients.items()}
    total, expected = results[NAMES[-1]]
    for found, gradients in results.values():
        assert found == pytest.approx(total, rel=1e-6)
        for key, value in gradients.items():
            np.testing.assert_allclose(value, expected[key], rtol=0, atol=2e-6)


@pytest.mark.parametrize("cell", native_cells())
@pytest.mark.parametrize("lanes", [1, 2, 7])
def test_the_number_of_threads_changes_no_bit(cell: str, lanes: int) -> None:
    config = NetworkConfig(cell=cell, hidden_size=50, num_layers=2, embedding_size=9, vocab_size=30)
    parameters, window = initialize(config, 3), random_window(config, steps=8, lanes=lanes)
    masks = (np.random.default_rng(0).random((2, lanes, 50)) < 0.5).astype(np.float32) * 2
    results = []
    for threads in (1, 2, 3, 5):
        engine = CpuEngine(config, threads=threads)
        loss, gradients, state = engine.loss_and_gradients(
            parameters, window, engine.initial_state(lanes), reset_id=29, masks=masks
        )
        results.append((loss.total, state.tobytes(), [value.tobytes() for value in gradients.values()]))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("cell", native_cells())
@pytest.mark.parametrize(  # units that fill whole panels, or not; four lanes a thread in a large layer
    ("hidden_size", "lanes"), [(381, 1), (381, 6), (384, 1), (384, 6), (450, 8)]
)
@pytest.mark.parametrize("steps", [1, 5])  # fewer than there are threads
def test_threads_that_share_units_change_no_bit(cell: str, hidden_size: int, lanes: int, steps: int) -> None:
    config = NetworkConfig(
        cell=cell, hidden_size=hidden_size, num_layers=2, embedding_size=9, vocab_size=30, reset_after=True
    )
    parameters, window = initialize(config, 3), random_window(config, steps=steps, lanes=lanes)
    masks = (np.random.default_rng(0).random((2, lanes, hidden_size)) < 0.5).astype(np.float32) * 2
    results = []
    for threads in (1, 2, 5):
        engine = CpuEngine(config, threads=threads)
        for _ in range(3):
            loss, gradients, state = engine.loss_and_gradients(
                parameters, window, engine.initial_state(lanes) + np.float32(0.5), reset_id=29, masks=masks
            )
            results.append((loss.total, state.tobytes(), [value.tobytes() for value in gradients.values()]))
    assert all(result == results[0] for result in results)


def test_a_step_tells_where_its_time_went() -> None:
    config = NetworkConfig(hidden_size=16, vocab_size=20)
    parameters, window = initialize(config, 0), random_window(config, steps=5, lanes=4)
    engine = CpuEngine(config, threads=2)
    start = time.perf_counter()
    engine.loss_and_gradients(parameters, window, engine.initial_state(4), reset_id=None)
    whole, seconds = time.perf_counter() - start, engine.stage_seconds()
    assert tuple(seconds) == STAGES
    assert min(seconds.values()) > 0
    assert sum(seconds.values()) < whole
    engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
    assert engine.stage_seconds()["forward"] > 0
    assert engine.stage_seconds()["backward"] == engine.stage_seconds()["weight gradients"] == 0


def test_a_large_vocabulary_is_computed_in_blocks() -> None:
    config = NetworkConfig(hidden_size=8, vocab_size=9001)  # 466 rows of logits in a block, 600 in the window
    parameters, window = initialize(config, 0), random_window(config, steps=20, lanes=30)
    engine = CpuEngine(config, threads=2)
    _, gradients, _ = engine.loss_and_gradients(parameters, window, engine.initial_state(30), reset_id=None)
    found = {key: value.copy() for key, value in gradients.items()}
    halves = []
    state = engine.initial_state(30)
    for part in (slice(0, 10), slice(10, 20)):
        half = Window(ids=window.ids[part].copy(), targets=window.targets[part].copy())
        loss, gradients, state = engine.loss_and_gradients(parameters, half, state, reset_id=None)
        halves.append((loss.count, gradients["output.kernel"].copy()))
    count = sum(n for n, _ in halves)
    expected = sum(n / count * gradient for n, gradient in halves)
    np.testing.assert_allclose(found["output.kernel"], expected, rtol=0, atol=1e-7)


def test_blocks_of_logits_do_not_run_into_each_other() -> None:
    config = NetworkConfig(hidden_size=16, vocab_size=9001)  # blocks of 466 and 134 rows
    parameters, window = initialize(config, 0), random_window(config, steps=20, lanes=30)
    alone = CpuEngine(config, threads=1)
    expected, _ = alone.token_losses(parameters, window, alone.initial_state(30), reset_id=None)
    for threads in (2, 3):
        engine = CpuEngine(config, threads=threads)
        for _ in range(15):
            found, _ = engine.token_losses(parameters, window, engine.initial_state(30), reset_id=None)
            assert np.array_equal(found, expected)


def test_a_network_is_safe_to_share_between_python_threads() -> None:
    config = NetworkConfig(hidden_size=16, vocab_size=20)
    parameters, window = initialize(config, 0), random_window(config, steps=5, lanes=4)
    engine = CpuEngine(config, threads=2)
    expected, _ = engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
    wrong: list[int] = []

    def work() -> None:
        for i in range(30):
            found, _ = engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
            if not np.array_equal(found, expected):
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    config = NetworkConfig(hidden_size=16, vocab_size=20)
    parameters, window = initialize(config, 0), random_window(config, steps=5, lanes=4)
    engine = CpuEngine(config, threads=2)
    expected, _ = engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
    child = os.fork()
    if child == 0:
        found, _ = engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
        os._exit(0 if np.array_equal(found, expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_arrays_that_do_not_fit_are_refused() -> None:
    config = NetworkConfig(hidden_size=4, vocab_size=6)
    parameters, engine = initialize(config, 0), CpuEngine(config, threads=1)
    state = engine.initial_state(2)
    too_high = Window(ids=np.full((3, 2), 6, np.int32), targets=np.ones((3, 2), np.int32))
    with pytest.raises(ValueError, match=r"ids: expected ids in \[0, 6\), got 6 to 6"):
        engine.token_losses(parameters, too_high, state, reset_id=None)
    fine = Window(ids=np.ones((3, 2), np.int32), targets=np.ones((3, 2), np.int32))
    with pytest.raises(ValueError, match="state"):
        engine.token_losses(parameters, fine, engine.initial_state(3), reset_id=None)
    empty = Window(ids=np.ones((0, 2), np.int32), targets=np.ones((0, 2), np.int32))
    with pytest.raises(ValueError, match="at least one id"):
        engine.loss_and_gradients(parameters, empty, state, reset_id=None)
    wrong = {**parameters, "output.bias": np.zeros(7, np.float32)}
    with pytest.raises(ValueError, match=r"parameter output\.bias"):
        engine.token_losses(wrong, fine, state, reset_id=None)


def test_threads_that_the_system_does_not_give_are_an_error_and_not_an_end() -> None:
    script = (
        "import resource\n"
        "from unspool._kernels import machine\n"
        "from unspool._errors import ConfigError\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        # A stack has 8 MB, or 128 kB where the C library is musl.
        "resource.setrlimit(resource.RLIMIT_AS, (used + (60 << 20), -1))\n"
        "machine.available_processors = lambda: 1000\n"
        "try:\n"
        "    machine.thread_team(1000)\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert "threads must be as many as the system allows; got 1000" in done.stdout


def test_unknown_kernels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_KERNELS", "mmx")
    with pytest.raises(ConfigError, match="UNSPOOL_KERNELS"):
        CpuEngine(NetworkConfig(vocab_size=5))


@pytest.mark.parametrize("cell", native_cells())
@pytest.mark.parametrize(
    ("hidden_size", "num_layers", "embedding_size"),
    [(5, 1, None), (300, 1, None), (164, 2, 6), (132, 3, None)],
)
@pytest.mark.parametrize("residual", [False, True])
def test_few_sequences_on_many_threads_are_the_same(
    cell: str, hidden_size: int, num_layers: int, embedding_size: int | None, residual: bool
) -> None:
    config = NetworkConfig(
        cell=cell,
        hidden_size=hidden_size,
        num_layers=num_layers,
        embedding_size=embedding_size,
        residual=residual,
        vocab_size=11,
    )
    parameters = initialize(config, 0)
    prompts = [np.array(ids, np.int32) for ids in ([], [3, 1, 4, 1, 5, 9, 2, 6], [7])]
    options = GenerationOptions(max_new_tokens=40, seed=5)
    alone = CpuEngine(config, threads=1)
    states = (
        np.random.default_rng(0)
        .normal(size=(num_layers, config.state_shape[1], 3, hidden_size))
        .astype(np.float32)
    )
    for given in (None, states):
        whole = generate(alone.writer(parameters), EngineRequest(prompts, options, states=given))
        assert len({len(each.ids) for each in whole}) > 1  # one is over before the others
        for threads, count in ((2, 1), (3, 2), (4, 3), (7, 1)):
            some = None if given is None else given[:, :, :count]
            drawn = generate(
                CpuEngine(config, threads=threads).writer(parameters),
                EngineRequest(prompts[:count], options, states=some),
            )
            for ours, theirs in zip(drawn, whole, strict=False):
                np.testing.assert_array_equal(ours.ids, theirs.ids)
                np.testing.assert_array_equal(ours.logprobs, theirs.logprobs)
                assert ours.finish_reason == theirs.finish_reason
