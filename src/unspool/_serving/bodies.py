"""The bodies of requests: read within their limits, and JSON only where it is called so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from unspool._errors import InputError
from unspool._json_files import parse_json
from unspool._serving.guarding import Headers
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError

MOST_PARTS = 1 << 17  # lists and objects of a body
PATIENCE = 2.0  # seconds in which the rest of a refused body is read, so that its client hears the answer
MOST_DROPPED = 1 << 26  # bytes of it


class GoneError(Exception):
    """The client has gone before its request was whole."""


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request to an endpoint that has a body.

    Args:
        request: The request.
    """
    body: dict[str, Any] = request.scope["unspool.body"]
    return body


async def read_json_body(
    limits: Limits, headers: Headers, receive: Receive, whole: bytes | None = None
) -> dict[str, Any]:
    """Read the JSON object of a request.

    Args:
        limits: The limits of the server.
        headers: The headers of the request.
        receive: What brings the parts of the body.
        whole: The body, if it is there already.

    Raises:
        RefusedError: If it is too long, too deep or too late, or is no JSON object.
        GoneError: If the client goes away.
    """
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        shown = kind[:60].decode("latin-1") or "none"
        message = f"the body must be JSON, with the header Content-Type: application/json; got {shown}"
        raise RefusedError(415, message, code="unsupported_media_type")
    if whole is None or len(whole) > limits.max_body:
        whole = b"".join([part async for part in parts_of_body(limits, headers, receive, limits.max_body)])
    try:
        return parsed(whole, limits)
    except InputError as error:
        raise RefusedError(400, str(error), code="invalid_json") from None


def parsed(raw: bytes, limits: Limits) -> dict[str, Any]:
    r"""Return the JSON object that a body is.

    Raises:
        InputError: If it is none, is too deep, or has half of a character (``\ud800`` alone).
    """
    value = parse_json(
        raw, where="the body", error=InputError, most_levels=limits.max_levels, most_parts=MOST_PARTS
    )
    if b"\\u" in raw:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            got = "half of a surrogate pair"
            raise InputError("the body", expected="JSON of whole characters", got=got) from None
    return value


async def parts_of_body(
    limits: Limits, headers: Headers, receive: Receive, most: int, *, seconds: float | None = None
) -> AsyncIterator[bytes]:
    """Read the body of a request, part by part as it arrives.

    Args:
        limits: The limits of the server.
        headers: The headers of the request.
        receive: What brings the parts.
        most: The greatest number of bytes.
        seconds: The greatest time for all of it; None for the limit of usual bodies.

    Raises:
        RefusedError: If it is too long or too late.
        GoneError: If the client goes away.
    """
    announced = headers.get(b"content-length")
    if announced is not None and int(announced) > most:
        raise _too_large(most, int(announced))
    loop = asyncio.get_running_loop()
    seconds = seconds or limits.body_seconds
    size, deadline = 0, loop.time() + seconds
    more = True
    while more:
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            words = f"the body must arrive within {seconds:g} seconds; got {size:,} bytes"
            raise RefusedError(408, words, code="request_timeout") from None
        if message["type"] == "http.disconnect":
            raise GoneError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most, size)
        if part:
            yield part
        more = message.get("more_body", False)


def _too_large(most: int, size: int) -> RefusedError:
    message = f"the body must have at most {most:,} bytes; got {size:,} or more; send less at a time"
    return RefusedError(413, message, code="body_too_large")


def has_body(headers: Headers) -> bool:
    """Return whether a request announces a body."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


async def drop_body(headers: Headers, receive: Receive) -> bool:
    """Read the rest of a body that nobody wants, for a short time, and return whether it was all.

    A connection that is closed while its client still sends may lose the answer.
    """
    if b"expect" in headers:  # it waits for our word, and sends nothing
        return False
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while size < MOST_DROPPED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return False
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False
