"""Ends in the way it is told while it has a model; test_ends.py runs it with the folder of a model."""

import asyncio
import atexit
import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import unspool
from unspool import _native

MODEL = contextvars.ContextVar[unspool.Generator]("MODEL")


def forever(job: Callable[[], object]) -> None:
    """Do a job again and again in daemon threads, which live on when the interpreter ends."""

    def repeat() -> None:
        while True:
            job()

    for _ in range(3):
        threading.Thread(target=repeat, daemon=True).start()
    time.sleep(0.02)


def server_of(model: unspool.Generator) -> None:
    """Answer requests in daemon threads, and end without closing the server."""

    class Writes(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(model.generate(seed=0)[0].text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Writes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(3):
        urlopen(f"http://127.0.0.1:{server.server_port}").read()


def stream_in_a_circle(model: unspool.Generator) -> None:
    """Leave a text half written, in a circle of references."""
    pieces = model.stream(min_tokens=50)
    next(pieces)
    circle = [model, pieces]
    circle.append(circle)  # type: ignore[arg-type]


def kept_error(model: unspool.Generator) -> None:
    """Keep an error whose traceback holds a text that is being written."""

    def fail() -> None:
        pieces = model.stream(min_tokens=50)
        next(pieces)
        raise KeyError

    try:
        fail()
    except KeyError as error:
        sys.kept = error  # type: ignore[attr-defined]


async def many(model: unspool.Generator) -> None:
    """Write in the threads of an event loop."""
    await asyncio.gather(*[asyncio.to_thread(model.generate, n=50) for _ in range(8)])


# Every object is gone at the end of these, and the module would say so if one were not.
IN_ORDER: dict[str, Callable[[unspool.Generator], object]] = {
    "after a text": lambda model: model.generate(n=3),
    "stream in a circle": stream_in_a_circle,
    "kept error": kept_error,
    "search left": lambda model: next(model.enumerate("a", limit=100)),
    "thread": lambda model: threading.Thread(target=lambda: [model.generate(n=99) for _ in range(9)]).start(),
    "pool": lambda model: [ThreadPoolExecutor(4).submit(model.generate, n=50) for _ in range(20)],
    "event loop": lambda model: asyncio.run(many(model)),
    "at exit": lambda model: atexit.register(model.generate, n=2),
    "context": MODEL.set,
}
# A daemon thread holds objects for ever.
WITH_DAEMONS: dict[str, Callable[[unspool.Generator], object]] = {
    "writes": lambda model: forever(lambda: model.generate(n=2)),
    "writes long": lambda model: forever(lambda: model.generate(n=2000)),
    "streams": lambda model: forever(lambda: list(model.stream())),
    "scores": lambda model: forever(lambda: model.score(["anna", "bob"])),
    "sleeps": lambda model: forever(lambda: (model.generate(), time.sleep(0.01))),
    "searches": lambda model: forever(lambda: model.beam_search("a", num_beams=3)),
    "waits": lambda model: threading.Thread(target=lambda: [model, time.sleep(99)], daemon=True).start(),
    "server": server_of,
}


def end(way: Callable[[unspool.Generator], object], folder: str) -> int:
    """End a process of its own in one way; return its exit code."""
    process = os.fork()  # from a process with one thread, which is quicker than a start
    if process == 0:
        way(unspool.load(folder, threads=2))
        sys.exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    table, name, model_folder, times = sys.argv[1:]
    _native.set_leak_warnings(table == "IN_ORDER")
    codes = {end(globals()[table][name], model_folder) for _ in range(int(times))}
    sys.exit(codes != {0})
