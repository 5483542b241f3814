"""What sends the parts of an answer from the event loop itself, without a task that wakes for each."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive, Send


class Outlet:
    """The way out of an answer, which may be made anywhere on the event loop.

    A part is sent at once, as long as the connection takes it. Once it does not, parts wait.

    Args:
        send: What takes the parts, as ASGI has it.

    Attributes:
        waiting: Bytes that wait.
    """

    __slots__ = ("_drained", "_has_failed", "_loop", "_messages", "_send", "_sending", "waiting")

    def __init__(self, send: Send) -> None:
        self._send, self._loop = send, asyncio.get_running_loop()
        self._sending: Coroutine[Any, Any, None] | None = None  # the part that waits for the connection
        self._messages: deque[dict[str, Any]] = deque()
        self._has_failed = False
        self._drained: asyncio.Future[None] | None = None
        self.waiting = 0

    def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the status and the headers."""
        self._put({"type": "http.response.start", "status": status, "headers": headers})

    def write(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body; `more` tells whether others follow."""
        if self._sending is not None:
            self.waiting += len(body)
        self._put({"type": "http.response.body", "body": body, "more_body": more})

    def clear(self) -> None:
        """Forget the parts that wait, which nobody has seen."""
        self._messages.clear()
        self.waiting = 0

    async def drain(self, seconds: float) -> None:
        """Wait until nothing waits any more, but no longer than some seconds."""
        if self._sending is not None:
            self._drained = self._loop.create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._drained

    def close(self) -> None:
        """Send nothing more."""
        self.clear()
        self._has_failed = True
        if self._sending is not None:
            self._sending.close()
            self._sending = None

    def _put(self, message: dict[str, Any]) -> None:
        if self._sending is not None:
            self._messages.append(message)
        elif not self._has_failed:
            self._run(self._send(message))  # type: ignore[arg-type]  # a coroutine

    def _run(self, sending: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as far as it goes; it goes on when what it waits for has come."""
        try:
            waits_for = sending.send(None)
        except StopIteration:
            self._sending = None
            return
        except Exception:  # the connection is gone, which whoever listens to it hears
            self.close()
            return
        self._sending = sending
        if waits_for is None:
            self._loop.call_soon(self._go_on)
        else:
            waits_for.add_done_callback(self._go_on)

    def _go_on(self, _: object = None) -> None:
        if self._sending is not None:
            self._run(self._sending)
        while self._messages and self._sending is None:
            message = self._messages.popleft()
            self.waiting -= len(message.get("body", b""))
            self._put(message)
        if self._sending is None and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


async def until_gone(receive: Receive) -> None:
    """Wait until the client has gone, or its answer is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass
