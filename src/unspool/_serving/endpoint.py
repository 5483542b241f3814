"""What the server answers: a row for each path, in the table of `unspool._serving.routes`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from unspool._serving.served import Served

JSON, EVENTS = "application/json", "text/event-stream"
Handler: TypeAlias = Callable[["Served", Request], Awaitable[Response]]
# Who may ask: everyone; who has the key, if there is one; who has the key and the token of the page besides.
Access: TypeAlias = Literal["open", "key", "token"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One path of the server.

    Args:
        method: The method of HTTP.
        path: The path, with parameters in braces as Starlette has them.
        handler: The function that answers; or its module and name, below `unspool._serving`.
        access: Who may ask.
        summary: What it does, for the OpenAPI document; None for a path that is no part of the API.
        body: Name of the schema of the request in `unspool._serving.describing.schemas`, or None for no body.
        answer: Name of the schema of the answer, or None for one that is not JSON.
        media: Types of the answer.
        status: Statuses of an answer that is no refusal.
        query: Names of what may stand after the question mark.
        takes_file: Whether the body is a file of any type.
    """

    method: str
    path: str
    handler: str | Handler
    access: Access = "key"
    summary: str | None = None
    body: str | None = None
    answer: str | None = None
    media: tuple[str, ...] = (JSON,)
    status: tuple[int, ...] = (200,)
    query: tuple[str, ...] = ()
    takes_file: bool = False
