"""A process that has imported the command line, and forks itself for every command it is asked to run.

Starting Python anew for each takes half a second. Forking the process of the tests, which has threads and
pytest's own streams, would be no fair trial. Run as ``python stream_server.py NUMBER CORPUS``: the number of
a socket, and what ``demo`` learns from.
"""

import importlib
import json
import os
import pkgutil
import socket
import sys
import traceback
from typing import Any

NOT_INSTALLED = ("torch", "ray", "keras_example")  # or it may be so


def prepare(corpus: str) -> None:
    """Import what commands need, and make those small that take their own text and time."""
    import rich.progress  # noqa: F401 - what commands import when they draw

    import unspool
    from unspool._benchmarking import bench
    from unspool._cli.commands import demo

    for module in pkgutil.walk_packages(unspool.__path__, "unspool."):
        if not any(name in module.name for name in (*NOT_INSTALLED, "__main__", "_kernels")):
            importlib.import_module(module.name)
    demo.CORPUS, demo.PROMPTS = corpus, ("oil ", "team ")  # type: ignore[assignment]
    bench.PRODUCT_SIZES = (16,)
    bench.COUNTS = {bench.OURS: (4, 3), bench.PEER: (2, 1)}
    bench.installed = lambda package: None  # type: ignore[assignment]


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Turn a fresh child into the command: its streams, its folder, its words."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 64)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(request["folder"])
    sys.argv = ["unspool", *request["arguments"]]


def serve(server: socket.socket) -> bool:
    """Run a command for every request, and answer with its exit code.

    Returns:
        In the child alone: whether it is to end as Python ends, with a word on every object that is left.
    """
    while True:
        message, streams, *_ = socket.recv_fds(server, 1 << 16, 3)
        if not message:
            os._exit(0)
        child = os.fork()
        if not child:
            request = json.loads(message)
            become(request, streams)
            return bool(request["ends"])
        for stream in streams:
            os.close(stream)
        server.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def ended() -> int:
    """Run the command; return the exit code it ends with."""
    from unspool._cli import main

    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


if __name__ == "__main__":
    prepare(sys.argv[2])
    if serve(socket.socket(fileno=int(sys.argv[1]))):
        from unspool import _native

        _native.set_leak_warnings(True)
        sys.exit(ended())
    os._exit(ended())  # a tenth of a second sooner
