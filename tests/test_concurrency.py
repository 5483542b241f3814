"""One model in many threads: every call gives what it gives alone, and one that waits lets others run."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions

from .artifacts.models import make_model, save

NAMES = ["anna", "bob", "caro", "dan", "bobby", "abba"]
CALLS: dict[str, Callable[[unspool.Generator], Any]] = {
    "generate": lambda model: [text.text for text in model.generate("an", n=20, seed=1)],
    "constraint": lambda model: [
        text.text
        for text in model.generate(n=5, seed=2, constraint=unspool.Constraint(regex="[a-d]{3,6}"), top_k=3)
    ],
    "stream": lambda model: "".join(model.stream("b", seed=3)),
    "state": lambda model: [text.text for text in model.generate(n=2, seed=4, state=model.state_after("da"))],
    "score": lambda model: [score.total_logprob for score in model.score(NAMES)],
    "evaluate": lambda model: model.evaluate(NAMES).perplexity,
    "beams": lambda model: [text.text for text in model.beam_search("a", num_beams=4, n=2)],
    "enumerate": lambda model: [text.text for text in model.enumerate("b", limit=5)],
    "collect": lambda model: [text.text for text in model.collect(n=5, seed=5, novel=True)],
    "next symbols": lambda model: model.next_symbols("ann", top=3),
    "guess numbers": lambda model: [
        guess.guess_number for guess in model.guess_numbers(["bob"], samples=50, seed=0)
    ],
}


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save(folder, make_model(3, "abcdnory", hidden_size=12, cell="lstm"))
    model = unspool.load(folder)
    model.novelty_index = unspool.NoveltyIndex.of(NAMES)
    model.save(folder)
    return folder


@pytest.mark.usefixtures("hasty")
def test_eight_threads_on_one_model_get_what_one_gets(folder: Path) -> None:
    alone = unspool.load(folder, threads=2)
    expected = {name: call(alone) for name, call in CALLS.items()}
    model = unspool.load(folder, threads=2)
    wrong: list[str] = []

    def use(thread: int) -> None:
        chosen = random.Random(thread)
        for name in chosen.choices(list(CALLS), k=30):
            try:
                if CALLS[name](model) != expected[name]:
                    wrong.append(f"{name} differs")
            except Exception as error:  # whatever it is
                wrong.append(f"{name}: {error!r}")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", ["generate", "score", "beams"])
def test_a_call_that_waits_for_another_lets_other_threads_run(folder: Path, name: str) -> None:
    model = unspool.load(folder, threads=1)  # the team that calls of one thread's width take as well
    endless = GenerationOptions(max_new_tokens=60_000, logit_bias={model.tokenizer.eos_id: -99})
    request = EngineRequest([np.zeros(0, np.int32)] * 64, endless)
    CALLS[name](model)  # what it imports is there

    def turns_of_others() -> int:
        """Count how often this thread runs while one call is in the native loop and another waits for it."""
        writer = model.runner.writer(model.parameters)
        writer.add(request)
        writes = threading.Thread(target=writer.advance, args=(60_000,))
        waits = threading.Thread(target=CALLS[name], args=(model,))
        writes.start()
        time.sleep(0.1)  # it has come to the native loop
        waits.start()
        turns = 0
        while writes.is_alive():
            time.sleep(0.001)
            turns += 1
        waits.join()
        return turns

    assert any(turns_of_others() >= 25 for _ in range(3))


def test_ctrl_c_is_heard_while_many_endless_texts_are_written(folder: Path) -> None:
    program = (
        "import signal, sys, unspool\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "model = unspool.load(sys.argv[1])\n"
        "print('begun', flush=True)\n"
        "model.generate(n=4096, max_new_tokens=10**9, logit_bias={model.tokenizer.eos_id: float('-inf')})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)  # it writes
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert stderr.endswith("KeyboardInterrupt\n")
