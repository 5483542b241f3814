"""The endpoints for texts: upload one, and see what is read in it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from unspool._configuration import check, one_of
from unspool._errors import ConfigError
from unspool._serving.bodies import GoneError
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._serving.training.asking import desk_of, minutes_of, text_of, truth_of, whole_length
from unspool._serving.training.desk import TrainingDesk
from unspool._serving.training.reading import Wishes
from unspool._serving.training.uploads import Upload
from unspool._text.reading.read_options import ReadOptions

BLOCK = 1 << 20  # bytes that are written at once
PATIENCE = 30.0  # seconds in which the next bytes of an upload must come

TOKENIZER = one_of("unspool._text.tokenizers.registry:TOKENIZERS")


async def receive(served: Served, request: Request) -> JSONResponse:
    """Store a text, and return what is read in it."""
    desk = desk_of(served)
    wishes = wishes_of(request.query_params)
    upload = await _received(desk, request)
    return JSONResponse(await _answer(desk, upload, wishes), 201)


async def read(served: Served, request: Request) -> JSONResponse:
    """Return what is read in a text that was uploaded, with other wishes."""
    desk = desk_of(served)
    wishes = wishes_of(request.query_params)
    upload = await asyncio.to_thread(desk.uploads.find, request.path_params["corpus"])
    return JSONResponse(await _answer(desk, upload, wishes))


async def plan(served: Served, request: Request) -> JSONResponse:
    """Return what a training of some minutes would do with a text that was uploaded."""
    desk = desk_of(served)
    wishes = wishes_of(request.query_params)
    if wishes.minutes is None:
        raise RefusedError(400, "minutes is missing: how long may the training take?", param="minutes")
    upload = await asyncio.to_thread(desk.uploads.find, request.path_params["corpus"])
    answer = await desk.reader.read(upload, wishes, plan_alone=True)
    return JSONResponse(answer.get("plan") or answer)


async def _answer(desk: TrainingDesk, upload: Upload, wishes: Wishes) -> dict[str, Any]:
    facts = await desk.reader.read(upload, wishes)
    return {"id": upload.id, "object": "corpus", "name": upload.name, "bytes": upload.bytes, **facts}


async def _received(desk: TrainingDesk, request: Request) -> Upload:
    """Store the body of a request, a block at a time."""
    name = request.query_params.get("name", "")
    begun = await asyncio.to_thread(desk.uploads.begin, name, whole_length(request))
    waiting, blocks = bytearray(), aiter(request.stream())
    with begun.dropped_on_error():
        while True:
            try:
                block = await asyncio.wait_for(anext(blocks, None), PATIENCE)
            except TimeoutError:
                message = f"the upload stood still: nothing came for {PATIENCE:.0f} seconds"
                raise RefusedError(408, message, code="upload_too_slow") from None
            except ClientDisconnect:
                raise GoneError from None
            waiting += block or b""
            if waiting and (block is None or len(waiting) >= BLOCK):
                await asyncio.to_thread(begun.add, bytes(waiting))
                waiting.clear()
            if block is None:
                return await asyncio.to_thread(begun.finish)


def wishes_of(values: Mapping[str, Any]) -> Wishes:
    """Return how a text is to be read, from the fields of a request.

    Args:
        values: The fields: `column`, `label`, `document`, `header`, `encoding`, `tokenizer` and `minutes`.

    Raises:
        RefusedError: If one has a value that is not allowed.
    """
    wishes = Wishes(
        column=text_of(values, "column"),
        label=text_of(values, "label"),
        document=truth_of(values, "document"),
        header=truth_of(values, "header"),
        encoding=text_of(values, "encoding"),
        tokenizer=text_of(values, "tokenizer") or "char",
        minutes=minutes_of(values),
    )
    try:
        ReadOptions(**wishes.options())
        check(
            "tokenizer", wishes.tokenizer, TOKENIZER.fill(TOKENIZER.words), TOKENIZER.holds(wishes.tokenizer)
        )
    except ConfigError as error:
        raise RefusedError(400, str(error), param=error.what) from None
    return wishes
