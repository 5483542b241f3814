"""The application: each request is checked, sent to the handler of its endpoint, counted, and answered."""

import asyncio
import re
import secrets
import time
import traceback
from importlib import import_module
from typing import Any, TypeAlias

from starlette.convertors import Convertor
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from unspool._errors import UnspoolError, shortened
from unspool._serving.bodies import GoneError, read_json_body
from unspool._serving.endpoint import Endpoint, Handler
from unspool._serving.exchange import Exchange, write_log
from unspool._serving.guarding import check_access, check_sender
from unspool._serving.refusals import RefusedError, refusal_of
from unspool._serving.routes import ENDPOINTS, STATE
from unspool._serving.served import Served

Row: TypeAlias = tuple[Endpoint, Handler]
Methods: TypeAlias = dict[str, Row]

WHOLE_BODY = "unspool.whole_body"  # the key of the body in a scope, if it is there when its request begins
ALWAYS = {endpoint.path for endpoint in STATE}  # answered while the server stops, too


class App:
    """The application that answers for some models, as ASGI has it.

    Args:
        served: What the server has.
        endpoints: The table of what it answers.
    """

    def __init__(self, served: Served, endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> None:
        self.served = served
        self._plain: dict[str, Methods] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Convertor[Any]], Methods]] = []
        for endpoint in endpoints:
            self._methods_at(endpoint.path)[endpoint.method] = endpoint, _handler_of(endpoint)

    def _methods_at(self, path: str) -> Methods:
        """Return the table of the methods of a path, which is made with the first of them."""
        pattern, _, convertors = compile_path(path)
        if not convertors:
            return self._plain.setdefault(path, {})
        for known, _, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, convertors, {}))
        return self._patterns[-1][2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of HTTP, whatever becomes of it."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        exchange = Exchange(self.served, scope, receive, send)
        try:
            await self._answer(exchange)
        except GoneError:
            pass
        except RefusedError as refused:
            await exchange.refuse(refused)
        except UnspoolError as error:
            await exchange.refuse(_of_unspool(exchange, error))
        except asyncio.CancelledError:  # its time is over while the server stops
            if not exchange.has_started:
                await exchange.refuse(RefusedError(503, "the server has stopped", code="stopping"))
            raise
        except Exception as error:
            await exchange.refuse(_unexpected(exchange, error))
        finally:
            exchange.finish(time.perf_counter() - begun)

    async def _answer(self, exchange: Exchange) -> None:
        """Check a request, and let the handler of its endpoint answer it.

        Raises:
            RefusedError: If it is refused.
        """
        served, scope, headers = self.served, exchange.scope, exchange.headers
        methods = self._methods_of(scope)
        endpoint, handler = _row_of(methods, scope["method"])
        if endpoint is not None:
            exchange.endpoint = endpoint.path
        check_sender(served, scope["headers"], headers, endpoint)
        if endpoint is None or handler is None:
            raise _not_there(scope, methods)
        if served.is_stopping and endpoint.path not in ALWAYS:
            message = "the server is about to stop, and takes no new requests; ask again later"
            raise RefusedError(503, message, code="stopping", headers={"retry-after": "5"})
        check_access(served, headers, endpoint)
        request = Request(scope, exchange.receive, exchange.send)
        if endpoint.body is None:
            response = await handler(served, request)
            await response(scope, exchange.receive, exchange.send)
            return
        whole = scope.get(WHOLE_BODY)
        scope["unspool.body"] = await read_json_body(served.limits, headers, exchange.receive, whole)
        exchange.has_read = True
        served.writing += 1
        timer = Timer(served.limits.text_seconds)
        try:
            response = await handler(served, request)
            await response(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            timer.check()
            raise
        finally:
            timer.handle.cancel()
            served.writing -= 1

    def _methods_of(self, scope: Scope) -> Methods:
        """Find the methods of a path, and note the parameters in it."""
        path = scope["path"]
        scope["path_params"] = {}
        methods = self._plain.get(path)
        if methods is not None:
            return methods
        for pattern, convertors, of_pattern in self._patterns:
            match = pattern.match(path)
            if match is not None:
                scope["path_params"] = {
                    name: convertors[name].convert(value) for name, value in match.groupdict().items()
                }
                return of_pattern
        return {}


class Timer:
    """The time that a task has, after which it is cancelled; `asyncio.timeout` takes several times as long.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._task, self._seconds, self._is_over = asyncio.current_task(), seconds, False
        self.handle = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        if self._task is not None:
            self._is_over = True
            self._task.cancel()

    def check(self) -> None:
        """Check whether a cancelled task was cancelled because its time is over.

        Raises:
            RefusedError: If it was.
        """
        if self._is_over and self._task is not None:
            self._task.uncancel()
            message = f"the answer must be whole within {self._seconds:g} seconds; ask for less"
            raise RefusedError(503, message, code="timeout") from None


def _handler_of(endpoint: Endpoint) -> Handler:
    if not isinstance(endpoint.handler, str):
        return endpoint.handler
    module, name = endpoint.handler.split(":")
    handler: Handler = getattr(import_module(f"unspool._serving.{module}"), name)
    return handler


def _row_of(methods: Methods, method: str) -> Row | tuple[None, None]:
    """Return the endpoint of a method and its handler; HEAD is GET without a body."""
    return methods.get("GET" if method == "HEAD" else method, (None, None))


def _not_there(scope: Scope, methods: Methods) -> RefusedError:
    """Return the refusal of a path that is not there, or not for a method."""
    path = shortened(scope["path"])
    if not methods:
        message = f"there is no {path!r} here; /openapi.json lists what there is"
        return RefusedError(404, message, code="not_found")
    known = [*methods, *(["HEAD"] if "GET" in methods else [])]
    message = f"{path!r} is for {' and '.join(known)}; got {shortened(scope['method'])}"
    return RefusedError(405, message, code="method_not_allowed", headers={"allow": ", ".join(known)})


def _of_unspool(exchange: Exchange, error: UnspoolError) -> RefusedError:
    """Return the refusal for an error of unspool, which is logged if it is not the client's."""
    refused = refusal_of(error)
    return refused if refused.status < 500 else _unexpected(exchange, error)


def _unexpected(exchange: Exchange, error: Exception) -> RefusedError:
    """Log an error that nobody foresaw, and return what the client hears of it: where to look."""
    reference = secrets.token_hex(4)
    lines = "".join(traceback.format_exception(error))
    write_log(f"unspool: error {reference} at {exchange.endpoint}\n{lines.rstrip()}")
    message = f"something went wrong here; the server's log has more of it under {reference}"
    return RefusedError(500, message, code="internal_error")
