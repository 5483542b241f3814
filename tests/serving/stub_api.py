"""A small server for the page, which can be slow, damaged or dead at will."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from unspool import Constraint, Generation, Generator, UnspoolError
from unspool._serving import pages
from unspool._serving.served import Served

THEIRS = {"max_tokens": "max_new_tokens"}
APART = ("model", "prompt", "stream", "stream_options", "mark_copied")
CONSTRAINTS = ("regex", "contains", "excludes", "ends_with", "min_length", "max_length", "scope")


class StubServer:
    def __init__(self, models: dict[str, Generator], *, pause: float = 0, key: str | None = None) -> None:
        self.models, self.pause, self.key = models, pause, key
        self.served = Served(roots=(), token="t0ken")
        self.sent = 0
        self.broken: list[str] = []  # models that cannot be loaded

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", partial(pages.index, self.served)),
                Route("/page/{file}", partial(pages.page_file, self.served)),
                Route("/health", lambda request: JSONResponse({"status": "ok"})),
                Route("/v1/models", self.guarded(self.names)),
                Route("/v1/models/{model}", self.guarded(self.about)),
                Route("/v1/next", self.guarded(self.following), methods=["POST"]),
                Route("/v1/score", self.guarded(self.score), methods=["POST"]),
                Route("/v1/completions", self.guarded(self.completions), methods=["POST"]),
            ]
        )

    def guarded(self, handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            wrong = self.key and request.headers.get("authorization") != f"Bearer {self.key}"
            if wrong:
                error = {"message": "a key is wanted", "code": "invalid_api_key"}
                return JSONResponse({"error": error}, 401)
            try:
                return await handler(request)
            except UnspoolError as error:
                what = getattr(error, "what", "")
                return JSONResponse({"error": {"message": str(error), "param": what, "code": None}}, 400)

        return answer

    async def names(self, request: Request) -> Response:
        data = [{"id": name, "object": "model", "created": 0} for name in [*self.models, *self.broken]]
        return JSONResponse({"object": "list", "data": data})

    async def about(self, request: Request) -> Response:
        if request.path_params["model"] in self.broken:
            return JSONResponse({"error": {"message": "its folder is damaged", "code": "model_broken"}}, 500)
        model = self.models[request.path_params["model"]]
        unspool = {
            "parameters": 1000,
            "symbols": model.tokenizer.vocab_size,
            "defaults": {"temperature": 0.8, "max_new_tokens": 200, "top_k": None},
            "attributes": [],
            "takes_source": False,
            "vector_size": None,
            "novelty_index": model.novelty_index is not None,
        }
        return JSONResponse({"id": request.path_params["model"], "created": 0, "unspool": unspool})

    async def following(self, request: Request) -> Response:
        body = await request.json()
        return JSONResponse(
            {"symbols": self.models[body["model"]].next_symbols(body["prompt"], top=body["top"])}
        )

    async def score(self, request: Request) -> Response:
        body = await request.json()
        surprisal = self.models[body["model"]].surprisal(body["input"])
        symbols = [
            ["<eos>" if i == len(surprisal.symbols) - 1 else symbol, bits]
            for i, (symbol, bits) in enumerate(zip(surprisal.symbols, surprisal.bits.tolist(), strict=True))
        ]
        return JSONResponse({"object": "list", "data": [{"symbols": symbols}]})

    async def completions(self, request: Request) -> Response:
        body = await request.json()
        model = self.models[body["model"]]
        constraint = {name: body[name] for name in CONSTRAINTS if name in body}
        rest = {k: v for k, v in body.items() if k not in (*APART, *CONSTRAINTS)}
        options = {THEIRS.get(name, name): value for name, value in rest.items()}
        texts = model.generate(
            body["prompt"], constraint=Constraint(**constraint) if constraint else None, **options
        )
        pieces = [list(one.continuation) for one in texts]
        copied = [copied_of(model, one) for one in texts]
        reasons = [one.finish_reason for one in texts]
        return StreamingResponse(self.events(pieces, reasons, copied), media_type="text/event-stream")

    async def events(
        self, pieces: list[list[str]], reasons: list[str], copied: list[Any]
    ) -> AsyncIterator[str]:
        for place in range(max(map(len, pieces))):
            choices = [
                {"index": i, "text": text[place], "finish_reason": None}
                for i, text in enumerate(pieces)
                if place < len(text)
            ]
            self.sent += 1
            yield f"data: {json.dumps({'choices': choices})}\n\n"
            await asyncio.sleep(self.pause)
        for i, reason in enumerate(reasons):
            choice = {"index": i, "text": "", "finish_reason": reason, "copied": copied[i]}
            yield f"data: {json.dumps({'choices': [choice]})}\n\n"
        usage = {"completion_tokens": sum(map(len, pieces))}
        yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"


def copied_of(model: Generator, one: Generation) -> list[list[int]]:
    """Return the spans that stand in the training text, counted from the end of the prompt."""
    if model.novelty_index is None:
        return []
    first = len(one.prompt)
    spans = ((max(start - first, 0), end - first) for start, end in model.novelty_index.known_spans(one.text))
    return [[start, end] for start, end in spans if end > start]
