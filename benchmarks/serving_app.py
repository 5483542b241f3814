"""The server of `serving.py`: that of `unspool serve`, and one path that sends fixed events.

The path is part of no product: it answers what the server could send if no model had to write it.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

FIXED = "/fixed"


async def fixed(served: object, request: Request) -> Response:
    """Send a number of events of a size, one after the other, as a stream of pieces would come."""
    count, size = (int(request.query_params[name]) for name in ("events", "size"))
    frame = b'data: {"text": ""}\n\n'
    event = b'data: {"text": "' + b"a" * max(0, size - len(frame)) + b'"}\n\n'

    async def events() -> Any:
        for _ in range(count):
            yield event
            await asyncio.sleep(0)  # each leaves on its own, as pieces do: 1,000 streams have their turns
        yield b"data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def main() -> None:
    """Serve a model with one path more than `unspool serve` has: MODEL PORT THREADS."""
    from unspool._serving import routes
    from unspool._serving.endpoint import Endpoint

    sys.modules["unspool._serving.fixed_events"] = sys.modules[__name__]
    row = Endpoint(method="GET", path=FIXED, handler="fixed_events:fixed", access="open")
    routes.ENDPOINTS = (*routes.ENDPOINTS, row)
    from unspool._cli import main as run

    model, port, threads = sys.argv[1:]
    sys.argv = ["unspool", "serve", str(Path(model)), "--port", port, "--threads", threads]
    run()


if __name__ == "__main__":
    main()
