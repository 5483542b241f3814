"""One request and its answer: what was sent, when, and what is said of it afterwards."""

import contextlib
import sys
import time
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from unspool._screen.wording import one_line, safe
from unspool._serving.bodies import drop_body, has_body
from unspool._serving.guarding import HEADERS, NOT_STORED, POLICY, Headers
from unspool._serving.refusals import RefusedError, response_of
from unspool._serving.served import Served

UNKNOWN = "unknown"  # the endpoint of a request that is sent nowhere
GONE = 499  # the status that is counted where the client went away; no client sees it
CYCLE, EXCHANGE = "unspool.cycle", "unspool.exchange"  # the keys of a scope: how an answer is written


class Resumed(Protocol):
    """What stops to write while a connection does not take it."""

    def pause(self) -> None:
        """Write nothing; the connection does not take it."""
        ...

    def resume(self) -> None:
        """Write what waits; the connection takes it, or is gone."""
        ...


class Flow(FlowControl):
    """Whether a connection takes what is written; uvicorn's, which calls whoever waits for it.

    Attributes:
        outlet: Who waits.
    """

    outlet: Resumed | None = None

    def pause_writing(self) -> None:
        """Stop to write: the connection does not take it."""
        super().pause_writing()
        if self.outlet is not None:
            self.outlet.pause()

    def resume_writing(self) -> None:
        """Go on to write: the connection takes it, or is gone."""
        super().resume_writing()
        if self.outlet is not None:
            self.outlet.resume()


class Exchange:
    """A request with its answer.

    Args:
        served: What the server has.
        scope: The request, as ASGI has it.
        receive: What brings its body.
        send: What takes the answer.

    Attributes:
        headers: The headers of the request, the names in small letters.
        endpoint: The path in the table of endpoints.
        status: The status of the answer; GONE as long as there is none.
        has_read: Whether the body was read to its end.
    """

    __slots__ = (
        "_begun",
        "_receive",
        "_send",
        "_served",
        "endpoint",
        "has_read",
        "headers",
        "scope",
        "status",
    )

    def __init__(self, served: Served, scope: Scope, receive: Receive, send: Send) -> None:
        self._served, self.scope, self._receive, self._send = served, scope, receive, send
        self._begun: float | None = time.perf_counter()  # until the first byte
        self.headers: Headers = dict(scope["headers"])
        self.endpoint, self.status, self.has_read = UNKNOWN, GONE, False
        scope[EXCHANGE] = self

    @property
    def cycle(self) -> RequestResponseCycle:
        """What uvicorn knows of the request, for an answer that writes itself to a `Connection`."""
        cycle: RequestResponseCycle = self.scope[CYCLE]
        return cycle

    @property
    def flow(self) -> "Flow":
        """Whether the connection takes what is written, and who waits for that."""
        flow: Flow = self.cycle.flow  # type: ignore[assignment]
        return flow

    @property
    def has_started(self) -> bool:
        """Whether a part of the answer has been sent."""
        return self.status != GONE

    async def receive(self) -> Message:
        """Bring the next part of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.has_read = True
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer, the first one with the headers that guard every answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            names = [name for name, _ in headers]
            more = [each for each in (POLICY, NOT_STORED) if each[0] not in names]
            message["headers"] = [*headers, *HEADERS, *more]
        elif message.get("body"):
            self.began_body()
        await self._send(message)

    def began_body(self) -> None:
        """Note that a part of the body is written, of which the first one counts."""
        if self._begun is not None:
            self._served.metrics.began(self.endpoint, time.perf_counter() - self._begun)
            self._begun = None

    async def refuse(self, refused: RefusedError) -> None:
        """Answer with an error, if nothing was sent yet; else break off, which the client sees."""
        if self.has_started:
            raise refused
        response = response_of(refused)
        if not self.has_read and has_body(self.headers) and not await drop_body(self.headers, self._receive):
            response.raw_headers.append((b"connection", b"close"))
        await response(self.scope, self._receive, self.send)

    def finish(self, seconds: float) -> None:
        """Count the request, and write a line of it if that is wanted: never what is in it.

        Args:
            seconds: Seconds since it arrived.
        """
        self._served.metrics.answered(self.endpoint, self.status)
        if self._served.log:
            client = (self.scope.get("client") or ("?",))[0]
            path = one_line(self.scope["path"][:200])
            when = time.strftime("%Y-%m-%d %H:%M:%S")
            write_log(f"{when} {client} {self.scope['method']} {path} {self.status} {seconds * 1000:.1f} ms")


def write_log(text: str) -> None:
    """Write lines to standard error in one piece; if nobody can take them, there is nowhere to say so.

    Args:
        text: The lines, without the last end of a line.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{safe(text)}\n")
        sys.stderr.flush()
