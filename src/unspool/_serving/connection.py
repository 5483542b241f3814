"""One connection of a client, with limits on what it may send before it is answered, and on how slowly."""

import asyncio
from itertools import chain
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from unspool._json_files import json_text
from unspool._serving.app import WHOLE_BODY, App
from unspool._serving.exchange import CYCLE, Flow
from unspool._serving.refusals import RefusedError, error_object

VERSIONS = ("1.0", "1.1")  # a first line without one is of the HTTP that had no headers
MOST_PIPELINED = 64  # requests that a client may send before the first is answered


class Connection(HttpToolsProtocol):
    """A connection that is closed, with the reason, where a client goes beyond a limit."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app: App = self.config.app  # type: ignore[assignment]
        self._served = app.served
        self._limits = app.served.limits
        self._bytes = 0  # of headers that are not whole
        self._in_headers = True
        self._refusal: RefusedError | None = None
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, if there is a place for it."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        most = self._limits.max_connections
        if len(self.connections) > most:
            message = f"the server has {most:,} open connections, and takes no more; try again later"
            self._refuse(RefusedError(503, message, code="too_many_connections", headers=LATER))
            return
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._drop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come; start the time for headers of which a part is missing."""
        if self.transport.is_closing():
            return
        if self._in_headers:
            self._bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._bytes:
            if self._bytes > self._limits.max_headers and not self.transport.is_closing():
                self._refuse(self._too_long())
            elif self._header_timer is None:
                self._watch_headers()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_headers = True
        self._bytes = max(self._bytes, 1)  # it may follow another in one piece, of which only some is its own
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the answer of a request whose headers are within the limits.

        Raises:
            RefusedError: If they are not; it ends the parser.
        """
        self._in_headers, self._bytes = False, 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        if self.parser.get_http_version() not in VERSIONS:
            message = "the first line must end with HTTP/1.1"
            self._end_parser(RefusedError(400, message, code="bad_request"))
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers))) + 4 * len(self.headers)
        if size > self._limits.max_headers:
            self._end_parser(self._too_long())
        if len(self.pipeline) >= MOST_PIPELINED:
            message = f"more than {MOST_PIPELINED} requests wait on one connection; wait for their answers"
            self._end_parser(RefusedError(429, message, code="too_many_requests", headers=LATER))
        super().on_headers_complete()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[CYCLE] = self.cycle

    def on_message_complete(self) -> None:
        """End a request; what follows is the next one."""
        super().on_message_complete()
        self._in_headers = True
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[WHOLE_BODY] = bytes(self.cycle.body)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or is beyond a limit, and close the connection."""
        self._refuse(self._refusal or RefusedError(400, "this is no request of HTTP/1.1", code="bad_request"))

    def pause_writing(self) -> None:
        """Start the time in which the client must take something."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self._limits.write_seconds, self._stuck)

    def resume_writing(self) -> None:
        """End the time in which the client must take something."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _watch_headers(self) -> None:
        self._header_timer = self.loop.call_later(self._limits.header_seconds, self._late)

    def _late(self) -> None:
        self._header_timer = None
        if self.transport.is_closing():
            return
        if not self._bytes:  # nothing came at all
            self.transport.close()
            return
        message = f"the headers must arrive within {self._limits.header_seconds:g} seconds"
        self._refuse(RefusedError(408, message, code="request_timeout"))

    def _stuck(self) -> None:
        self._write_timer = None
        self._served.metrics.dropped.labels("slow_reader").inc()
        self.transport.abort()

    def _too_long(self) -> RefusedError:
        message = (
            f"the first line and the headers must have at most {self._limits.max_headers:,} bytes together"
        )
        return RefusedError(431, message, code="headers_too_large")

    def _end_parser(self, refused: RefusedError) -> NoReturn:
        self._refusal = refused
        raise refused

    def _refuse(self, refused: RefusedError) -> None:
        """Answer without the application, and close the connection."""
        self._drop_timers()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:  # else the answer to another request is under way
            self._served.metrics.answered("connection", refused.status)
            self.transport.write(_answer(refused))
        self.transport.close()

    def _drop_timers(self) -> None:
        for timer in (self._header_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._header_timer = self._write_timer = None


LATER = {"retry-after": "1"}


def _answer(refused: RefusedError) -> bytes:
    body = json_text(error_object(refused)).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in refused.headers.items())
    head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n"
    return STATUS_LINE[refused.status] + head.encode() + body
