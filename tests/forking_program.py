"""Forks while its threads use a model; test_forks.py runs it with the folder of a model."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context

import unspool

PATIENCE = 20.0  # seconds after which a child that has not ended hangs; it takes some hundredths of one
NAMES = ["anna", "bob", "caro", "dan"]


def everything(model: unspool.Generator) -> list[object]:
    """Use the model in each way that has native memory of its own."""
    return [
        [text.text for text in model.generate("a", n=40, seed=1)],
        "".join(model.stream("b", seed=2)),
        [score.total_logprob for score in model.score(NAMES)],
        [text.text for text in model.beam_search("c", num_beams=4, n=2)],
    ]


def child(work: Callable[[], bool], *, leave: Callable[[int], object] = os._exit) -> bool:
    """Fork, do the work in the child, and tell whether it ended, and well."""
    process = os.fork()
    if process == 0:
        leave(0 if work() else 1)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return False


@contextmanager
def at_work(*jobs: Callable[[], object]) -> Iterator[None]:
    """Do jobs again and again in threads of their own."""
    stop = threading.Event()

    def repeat(job: Callable[[], object]) -> None:
        while not stop.is_set():
            job()

    threads = [threading.Thread(target=repeat, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    try:
        yield
    finally:  # else a child that failed would leave the program waiting for its threads
        stop.set()
        for thread in threads:
            thread.join()


def forks_while_threads_use_the_model(model: unspool.Generator, children: int) -> None:
    """Every child gets what the parent gets, whatever the parent's threads were at."""
    expected = everything(model)
    jobs = (lambda: model.generate(n=300), lambda: model.score(NAMES * 20), lambda: list(model.stream()))
    with at_work(*jobs):
        done = [child(lambda: everything(model) == expected) for _ in range(children)]
    assert all(done), f"{done.count(False)} of {children} children failed or hung"


def a_child_ends_as_any_program(model: unspool.Generator) -> None:
    """A child may end the interpreter in order, fork itself, and use threads."""
    expected = everything(model)

    def in_threads() -> bool:
        results: list[object] = []
        threads = [threading.Thread(target=lambda: results.append(everything(model))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results == [expected] * 4

    with at_work(lambda: model.generate(n=300)):
        assert all(child(lambda: everything(model) == expected, leave=sys.exit) for _ in range(5))
        assert all(child(in_threads, leave=sys.exit) for _ in range(5))
        assert all(child(lambda: child(in_threads)) for _ in range(5))


def a_stream_goes_on_in_both(model: unspool.Generator) -> None:
    """A text that was begun before a fork is the same text on both sides of it."""
    whole = "".join(model.stream("d", seed=7, max_new_tokens=300, logit_bias={model.tokenizer.eos_id: -99}))
    pieces = model.stream("d", seed=7, max_new_tokens=300, logit_bias={model.tokenizer.eos_id: -99})
    begun = next(pieces) + next(pieces)
    with at_work(lambda: model.generate(n=300)):
        assert child(lambda: begun + "".join(pieces) == whole)
    assert begun + "".join(pieces) == whole


def processes_of_every_kind(model: unspool.Generator) -> None:
    """The standard library's pools work with a model, however they start."""
    expected = [text.text for text in model.generate(n=3, seed=1)]
    with at_work(lambda: model.generate(n=300)):
        for kind in ("fork", "forkserver", "spawn"):
            with get_context(kind).Pool(2) as pool:
                assert pool.map(three_texts, [model] * 4) == [expected] * 4


def three_texts(model: unspool.Generator) -> list[str]:
    """Write three texts."""
    return [text.text for text in model.generate(n=3, seed=1)]


if __name__ == "__main__":
    loaded = unspool.load(sys.argv[2], threads=2)
    chosen = globals()[sys.argv[1]]
    chosen(loaded, *map(int, sys.argv[3:]))
