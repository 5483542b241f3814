"""The OpenAPI document of the server, which is made from the table of endpoints."""

import re
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from unspool._serving.describing.options import Schema
from unspool._serving.describing.schemas import SCHEMAS, reference
from unspool._serving.endpoint import JSON, Endpoint
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")  # of a path, as Starlette has it


async def openapi(served: Served, request: Request) -> JSONResponse:
    """Answer with the document."""
    return JSONResponse(document(ENDPOINTS, keyed=bool(served.keys)))


def document(endpoints: tuple[Endpoint, ...], *, keyed: bool) -> dict[str, Any]:
    """Return the document of the endpoints that have a summary.

    Args:
        endpoints: The table of endpoints.
        keyed: Whether the server wants a key.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        if endpoint.summary is not None:
            path = PARAMETER.sub(r"{\1}", endpoint.path)
            paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, keyed=keyed)
    return {
        "openapi": "3.1.0",
        "info": {"title": "unspool", "version": version("unspool")},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "token": {"type": "apiKey", "in": "header", "name": "X-Unspool-Token"},
            },
        },
    }


def _operation(endpoint: Endpoint, *, keyed: bool) -> dict[str, Any]:
    """Return what the document says of an endpoint."""
    name = endpoint.handler if isinstance(endpoint.handler, str) else endpoint.handler.__name__
    operation: dict[str, Any] = {
        "operationId": name.rpartition(":")[2],
        "summary": endpoint.summary,
        "responses": _responses(endpoint),
    }
    places = [("path", each) for each in PARAMETER.findall(endpoint.path)]
    places += [("query", each) for each in endpoint.query]
    if places:
        operation["parameters"] = [
            {"name": each, "in": place, "required": place == "path", "schema": {"type": "string"}}
            for place, each in places
        ]
    if endpoint.body is not None:
        content = {JSON: {"schema": reference(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    elif endpoint.takes_file:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    needed = {"key": keyed and endpoint.access != "open", "token": endpoint.access == "token"}
    if any(needed.values()):
        operation["security"] = [{name: [] for name, is_needed in needed.items() if is_needed}]
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the document says of the answers of an endpoint."""
    answer: Schema = {} if endpoint.answer is None else reference(endpoint.answer)
    content = {media: {"schema": answer if media == JSON else {"type": "string"}} for media in endpoint.media}
    refusal = {
        "description": "The request was refused; the message says why, and what to do.",
        "content": {JSON: {"schema": reference("Error")}},
    }
    answers = {str(status): {"description": "The answer.", "content": content} for status in endpoint.status}
    return answers | {"default": refusal}
