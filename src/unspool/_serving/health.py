"""Whether the server is alive, whether it takes requests, and what it has counted."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served


async def health(served: Served, request: Request) -> JSONResponse:
    """Answer that the server is alive."""
    return JSONResponse({"status": "ok"})


async def ready(served: Served, request: Request) -> JSONResponse:
    """Answer whether new requests are taken: not while the server stops.

    Raises:
        RefusedError: If none are.
    """
    if served.is_stopping:
        raise RefusedError(503, "the server is about to stop, and takes no new requests", code="stopping")
    return JSONResponse({"status": "ok"})


async def metrics(served: Served, request: Request) -> Response:
    """Return what was counted, as Prometheus reads it."""
    return Response(served.metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})
