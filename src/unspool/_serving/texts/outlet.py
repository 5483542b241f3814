"""What writes the parts of an answer straight to its connection, without a task that wakes for each."""

import asyncio
import contextlib
from collections import deque

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from unspool._serving.exchange import Exchange
from unspool._serving.guarding import NOT_STORED, POLICY, guarded

EVENTS = guarded(
    [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),  # nginx hands each event on
        (b"transfer-encoding", b"chunked"),
        POLICY,
    ]
)
JSON = guarded([(b"content-type", b"application/json"), POLICY, NOT_STORED])


class Outlet:
    """The way out of an answer, which may be made anywhere on the event loop.

    A part is written at once, as long as the connection takes it. Once it does not, parts wait.

    Args:
        exchange: The request that is answered.

    Attributes:
        waiting: Bytes that wait.
    """

    __slots__ = (
        "_cycle",
        "_drained",
        "_exchange",
        "_flow",
        "_has_begun",
        "_is_last",
        "_is_over",
        "_must_wait",
        "_over",
        "_parts",
        "_write",
        "waiting",
    )

    def __init__(self, exchange: Exchange) -> None:
        self._exchange, self._cycle, self._flow = exchange, exchange.cycle, exchange.flow
        self._parts: deque[bytes] = deque()
        self._write = self._cycle.transport.write
        self._has_begun = self._is_last = False  # the body; the part that was put last
        self._is_over: bool = self._cycle.disconnected
        self._must_wait = self._is_over or self._flow.write_paused  # a part, or it is not written at all
        self._drained: asyncio.Future[None] | None = None
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = 0
        self._flow.outlet = self

    async def until_gone(self) -> None:
        """Wait until the client has gone, or the answer is complete."""
        self._flow.resume_reading()  # else nobody hears that the client has gone
        if not self._is_over:
            await self._over

    def answer(self, body: bytes) -> None:
        """Write a whole answer, which is JSON."""
        self._put(self._head(JSON, b"content-length: %d\r\n" % len(body)) + body, is_last=True)

    def start(self) -> None:
        """Write the head of an answer whose body are events."""
        if not self._is_over:
            self._write(self._head(EVENTS))

    def write(self, body: bytes, *, more: bool = True) -> None:
        """Write a part of the body; `more` tells whether others follow."""
        if body:
            self._put(b"%x\r\n%b\r\n%b" % (len(body), body, b"" if more else b"0\r\n\r\n"), is_last=not more)

    def clear(self) -> None:
        """Forget the parts that wait, which nobody has seen."""
        self._parts.clear()
        self.waiting = 0

    async def drain(self, seconds: float) -> None:
        """Wait until nothing waits any more, but no longer than some seconds."""
        if self._parts:
            self._drained = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._drained

    def close(self) -> None:
        """Write nothing more."""
        self.clear()
        self._is_last = False
        self._end()
        self._flow.outlet = None

    def pause(self) -> None:
        """Write nothing; the connection does not take it."""
        self._must_wait = True

    def resume(self) -> None:
        """Write the parts that wait; the connection takes them, or is gone."""
        if self._cycle.transport.is_closing():
            self._cycle.disconnected = True  # uvicorn notes it only at the request that came last
            self.clear()
            self._end()
        while self._parts and not self._flow.write_paused:
            part = self._parts.popleft()
            self.waiting -= len(part)
            self._write(part)
        self._must_wait = bool(self._parts) or self._is_over
        if not self._parts:
            if self._is_last:
                self._complete()
            if self._drained is not None and not self._drained.done():
                self._drained.set_result(None)

    def _head(self, headers: bytes, more: bytes = b"") -> bytes:
        """Begin the answer, and return its first line and its headers."""
        cycle = self._cycle
        self._exchange.status, cycle.response_started, cycle.waiting_for_100_continue = 200, True, False
        own = b"".join([b"%b: %b\r\n" % each for each in cycle.default_headers])
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        return b"%b%b%b%b%b" % (STATUS_LINE[200], own, headers, more, end)

    def _put(self, part: bytes, *, is_last: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._exchange.began_body()
        if not self._must_wait:
            self._write(part)
            if is_last:
                self._complete()
        elif not self._is_over:
            self._is_last = is_last
            self._parts.append(part)
            self.waiting += len(part)

    def _end(self) -> None:
        """Note that the client has gone, or the answer is complete; nothing more is written."""
        self._is_over = self._must_wait = True
        if not self._over.done():
            self._over.set_result(None)

    def _complete(self) -> None:
        """End the answer; the next request of the connection may begin."""
        cycle = self._cycle
        if cycle.disconnected or cycle.response_complete:
            return
        cycle.response_complete = True
        self._end()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
