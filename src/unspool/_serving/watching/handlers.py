"""The runs over HTTP: what there are, all of one, what is new in it, and its audit."""

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from unspool._errors import shortened
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._serving.watching.audits import Audits
from unspool._serving.watching.listing import Runs
from unspool._serving.watching.live import Watching
from unspool._serving.watching.log import position_of
from unspool._serving.watching.sweeps import Sweeps

MOST_LISTENERS = 200
STREAM = {"cache-control": "no-store", "x-accel-buffering": "no"}  # a proxy passes each event on at once


class WatchedRuns:
    """The runs of a server: which there are, who watches them, and their audits.

    Args:
        served: What the server has.
    """

    def __init__(self, served: Served) -> None:
        self.runs = Runs(served.roots)
        self.sweeps = Sweeps(served.roots)
        self.audits = Audits(lambda: served.is_stopping)
        self.watching = Watching(lambda: served.is_stopping)


def runs_of(served: Served) -> WatchedRuns:
    """Return the runs of a server, which are made when they are first asked for."""
    if served.runs is None:
        served.runs = WatchedRuns(served)
    runs: WatchedRuns = served.runs
    return runs


async def list_runs(served: Served, request: Request) -> Response:
    """List the runs."""
    rows = await asyncio.to_thread(runs_of(served).runs.rows)
    return JSONResponse({"object": "list", "data": rows})


async def one_run(served: Served, request: Request) -> Response:
    """Return all that is known of a run but its curves."""
    name = request.path_params["run"]
    details = await asyncio.to_thread(runs_of(served).runs.details, name)
    if details is None:
        raise _missing(name)
    return JSONResponse(details)


async def list_sweeps(served: Served, request: Request) -> Response:
    """List the sweeps."""
    rows = await asyncio.to_thread(runs_of(served).sweeps.rows)
    return JSONResponse({"object": "list", "data": rows})


async def one_sweep(served: Served, request: Request) -> Response:
    """Return a sweep with its trials."""
    name = request.path_params["sweep"]
    details = await asyncio.to_thread(runs_of(served).sweeps.details, name)
    if details is None:
        message = f"there is no sweep {shortened(name)!r} in the served folders; GET /api/sweeps lists them"
        raise RefusedError(404, message, code="sweep_not_found", param="sweep")
    return JSONResponse(details)


async def run_events(served: Served, request: Request) -> Response:
    """Send the figures of a run so far, and then what is new in it, as server-sent events."""
    name, runs = request.path_params["run"], runs_of(served)
    path = await _path(runs, name)
    if runs.watching.listeners >= MOST_LISTENERS:
        message = f"{MOST_LISTENERS} already watch runs here; close a page, or ask again later"
        raise RefusedError(503, message, code="too_many_listeners", headers={"retry-after": "10"})
    position = position_of(request.headers.get("last-event-id", ""))
    events = runs.watching.events(name, path, position)
    return StreamingResponse(events, headers=STREAM, media_type="text/event-stream")


async def run_audit(served: Served, request: Request) -> Response:
    """Return the audit of a run, or how far it is."""
    runs = runs_of(served)
    path = await _path(runs, request.path_params["run"])
    return JSONResponse(await asyncio.to_thread(runs.audits.look, path))


async def start_audit(served: Served, request: Request) -> Response:
    """Begin the audit of a run."""
    runs = runs_of(served)
    path = await _path(runs, request.path_params["run"])
    state: dict[str, Any] = await asyncio.to_thread(runs.audits.start, path)
    return JSONResponse(state, 202 if state["state"] in ("waiting", "running") else 200)


async def _path(runs: WatchedRuns, name: str) -> Path:
    """Return the folder of a run.

    Raises:
        RefusedError: If there is none of that name.
    """
    path = await asyncio.to_thread(runs.runs.path, name)
    if path is None:
        raise _missing(name)
    return path


def _missing(name: str) -> RefusedError:
    message = f"there is no run {shortened(name)!r} in the folders that are served; GET /api/runs lists them"
    return RefusedError(404, message, code="run_not_found", param="run")
