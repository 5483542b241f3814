"""The server: an application behind a socket, from the first request to the last."""

import asyncio
import contextlib
import errno
import gc
import importlib.util
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from types import FrameType

import uvicorn

from unspool._errors import ConfigError
from unspool._serving.app import App
from unspool._serving.connection import Connection
from unspool._serving.endpoint import Endpoint
from unspool._serving.limits import Limits
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served
from unspool._system import allow_open_files, take_freed_port

NEW_OBJECTS = 20_000  # after which Python looks for cycles among them; requests make few
BACKLOG = 2048  # connections that the system holds until they are taken
SPARE_FILES = 256  # beside those of connections: models, logs, libraries
SECONDS_BETWEEN = 0.02  # two looks at whether running texts have finished
ENDING = 1  # seconds that a request has to end when its time is over
SIGNALS = (signal.SIGINT, signal.SIGTERM)
BY_CTRL_C = 128 + signal.SIGINT


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Return the kind and the address of a host, as a socket takes them.

    Args:
        host: An address, or a name.
        port: The port.

    Raises:
        ConfigError: If nothing is known of it.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        wanted = "an address or a name of this machine"
        raise ConfigError("host", expected=wanted, got=repr(host)) from error
    return family, (str(address[0]), int(address[1]))


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach an address."""
    return ip_address(address.partition("%")[0]).is_loopback


def listening_socket(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    """Open the socket on which a server listens.

    Args:
        family: The kind of the address.
        address: The address and the port; port 0 for any that is free.

    Raises:
        ConfigError: If the port is in use, or there is no such address here.
    """
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        take_freed_port(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _unusable(*address, error) from None
    return listener


def _unusable(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        hint = "stop the other program, or take another port; 0 takes any that is free"
        return ConfigError("port", expected="one that is free", got=f"{port}, which is in use", hint=hint)
    if error.errno == errno.EACCES:
        hint = "take one from 1024, or 0 for any that is free"
        return ConfigError("port", expected="one that you may use", got=str(port), hint=hint)
    return ConfigError("host", expected="an address of this machine", got=f"{host} ({error.strerror})")


def address_of(listener: socket.socket) -> str:
    """Return the address of a server as a browser has it: ``http://127.0.0.1:8000``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    served: Served,
    listener: socket.socket,
    *,
    started: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> int:
    """Answer requests until Ctrl-C or SIGTERM, let running texts finish, and return the exit code.

    Args:
        served: What the server has.
        listener: The socket on which it listens, which is closed at the end.
        started: What is called when it takes requests, and hears signals.
        stopping: What is called when it begins to stop.

    Returns:
        130 after Ctrl-C, 0 after SIGTERM. A second signal ends the process at once.
    """
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)  # what is to be said we say ourselves
    served.limits = within_open_files(served.limits)
    server = Server(served, started=started, stopping=stopping)
    gc.freeze()  # what is there stays, and need not be looked through while requests wait
    gc.set_threshold(NEW_OBJECTS)
    with listener:
        server.run(sockets=[listener])
    return BY_CTRL_C if server.ended_by == signal.SIGINT else 0


def within_open_files(limits: Limits) -> Limits:
    """Return limits with as many connections as this process may have open files.

    Args:
        limits: The limits that were asked for.
    """
    allowed = allow_open_files(limits.max_connections + SPARE_FILES) - SPARE_FILES
    return replace(limits, max_connections=max(1, min(allowed, limits.max_connections)))


class Server(uvicorn.Server):
    """uvicorn's server, which goes on to take requests, and refuses them, until running texts have finished.

    Args:
        served: What the server has.
        started: What is called when it takes requests.
        stopping: What is called when it begins to stop.
        endpoints: The table of what it answers.

    Attributes:
        ended_by: The signal that ended it, or None.
    """

    def __init__(
        self,
        served: Served,
        *,
        started: Callable[[], None] = lambda: None,
        stopping: Callable[[], None] = lambda: None,
        endpoints: tuple[Endpoint, ...] = ENDPOINTS,
    ) -> None:
        fast = importlib.util.find_spec("uvloop") is not None
        config = uvicorn.Config(
            App(served, endpoints),
            http=Connection,
            ws="none",
            lifespan="off",
            loop="uvloop" if fast else "asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=served.limits.idle_seconds,  # type: ignore[arg-type]  # any number will do
            timeout_graceful_shutdown=ENDING,
        )
        super().__init__(config)
        self._served, self._started, self._stopping = served, started, stopping
        self._finishing: asyncio.Task[None] | None = None
        self.ended_by: int | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear the signals that stop a server; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def hear(number: int, _: FrameType | None) -> None:
            if self.ended_by is not None:
                os._exit(128 + number)  # nothing of a server is lost
            self.ended_by = number
            loop.call_soon_threadsafe(self.begin_to_stop)

        before = {number: signal.signal(number, hear) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is left, and put the models away."""
        await super().shutdown(sockets)
        self._served.library.close()

    def begin_to_stop(self) -> None:
        """Stop: let running texts finish, refuse new requests, then end; called in the thread of the loop."""
        self._served.closing.set()
        self._stopping()
        self._finishing = asyncio.get_running_loop().create_task(self._finish())

    async def _finish(self) -> None:
        """Wait until running texts have finished, or their time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._served.limits.stop_seconds
        while self._served.writing and loop.time() < deadline:
            await asyncio.sleep(SECONDS_BETWEEN)
        self.should_exit = True
