"""The endpoints for trainings: begin one, look at all, stop one, go on with one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from unspool._serving.bodies import body_of
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._serving.training.asking import (
    MOST_MINUTES,
    desk_of,
    minutes_of,
    refuse_others,
    text_of,
    truth_of,
)
from unspool._serving.training.corpora import wishes_of
from unspool._serving.training.desk import TrainingDesk
from unspool._serving.training.jobs import FORMAT_VERSION, NAME, NAME_WORDS, NO_NAMES, TakenError, TrainingJob
from unspool._serving.training.reading import Wishes
from unspool._serving.training.uploads import FOLDER

OF_READING = {"column", "label", "document", "header", "encoding", "tokenizer", "minutes"}
FIELDS = OF_READING | {"corpus", "name", "novelty_index"}


async def begin(served: Served, request: Request) -> JSONResponse:
    """Begin a training of an uploaded text."""
    desk, values = desk_of(served), body_of(request)
    refuse_others(values, FIELDS)
    wishes = wishes_of(values)
    if wishes.minutes is None:
        raise RefusedError(400, "minutes is missing: how long may the training take?", param="minutes")
    novelty_index = truth_of(values, "novelty_index")
    settings = settings_of(wishes, novelty_index=novelty_index is not False)
    return await asyncio.to_thread(_begin, desk, values, wishes.minutes, settings)


def _begin(
    desk: TrainingDesk, values: Mapping[str, Any], minutes: float, settings: dict[str, Any]
) -> JSONResponse:
    upload = desk.uploads.find(values.get("corpus"))
    wanted = text_of(values, "name")
    name = desk.jobs.free_name(upload.name) if wanted is None else checked_name(wanted)
    job = TrainingJob(
        format_version=FORMAT_VERSION,
        corpus=upload.id,
        file=f"{FOLDER}/{upload.path.name}",
        text=upload.name,
        minutes=minutes,
        begun=time.time(),
        settings=settings,
    )
    with desk.starting:
        desk.refuse_more()
        with _told(name):
            desk.jobs.begin(name, job)
    return JSONResponse(desk.state(name, desk.job(name)), 201)


async def every(served: Served, request: Request) -> JSONResponse:
    """Return the states of all trainings, the one that was begun last first, and the limits."""
    desk = desk_of(served)
    limits = {"upload": desk.uploads.most_bytes, "running": desk.most_running, "minutes": MOST_MINUTES}
    states = await asyncio.to_thread(desk.states)
    return JSONResponse({"object": "list", "data": states, "limits": limits})


async def one(served: Served, request: Request) -> JSONResponse:
    """Return the state of a training."""
    desk = desk_of(served)
    return JSONResponse(await asyncio.to_thread(_state, desk, request.path_params["name"]))


async def stop(served: Served, request: Request) -> JSONResponse:
    """Stop a training, of which is kept what it has learnt; one that has learnt nothing goes."""
    desk, name = desk_of(served), request.path_params["name"]
    return JSONResponse(await asyncio.to_thread(_stop, desk, name))


async def resume(served: Served, request: Request) -> JSONResponse:
    """Go on with a training that was stopped, or for longer with one that has finished."""
    desk, values = desk_of(served), body_of(request)
    refuse_others(values, {"minutes"})
    name, minutes = request.path_params["name"], minutes_of(values)
    return JSONResponse(await asyncio.to_thread(_resume, desk, name, minutes))


def _state(desk: TrainingDesk, name: str) -> dict[str, Any]:
    return desk.state(name, desk.job(name))


def _stop(desk: TrainingDesk, name: str) -> dict[str, Any]:
    job = desk.job(name)
    if not desk.jobs.stop(name, job) and desk.jobs.forget(name):
        return {"name": name, "state": "removed", "running": False}
    return desk.state(name, desk.job(name))


def _resume(desk: TrainingDesk, name: str, minutes: float | None) -> dict[str, Any]:
    with desk.starting:
        job = desk.job(name)
        desk.refuse_more()
        with _told(name):
            desk.jobs.resume(name, job, minutes)
    return desk.state(name, desk.job(name))


class _told:  # noqa: N801 - it reads as a function
    """Turn what keeps a training from its start into a refusal."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TakenError):
            message = f"there is a run called {self._name!r} already: choose another name"
            raise RefusedError(409, message, code="name_taken", param="name") from None
        if isinstance(error, OSError):
            message = f"the training cannot begin: {error.strerror or error}"
            raise RefusedError(507, message, code="no_space") from None


def checked_name(name: str) -> str:
    """Return a name for a run, if it is one.

    Raises:
        RefusedError: If it is none.
    """
    if not NAME.fullmatch(name) or NO_NAMES.fullmatch(name):
        raise RefusedError(400, f"name must be {NAME_WORDS}; got {name!r}", param="name")
    return name


def settings_of(wishes: Wishes, *, novelty_index: bool) -> dict[str, Any]:
    """Return the options of `unspool train` for how a text is to be read.

    Args:
        wishes: How it is to be read.
        novelty_index: Whether hashes of the texts are stored, by which copies are known.
    """
    columns = {"text": wishes.column, "context": wishes.label}
    chosen = {name: [column] for name, column in columns.items() if column is not None}
    tokenizer = {} if wishes.tokenizer == "char" else {"tokenizer": wishes.tokenizer}
    index = {"novelty_index": True} if novelty_index else {}
    return {**chosen, **wishes.options(), **tokenizer, **index}
