"""What a model makes of texts that it is given: their tokens, their scores, their labels, what may follow."""

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from unspool._configuration import check, refuse_unknown
from unspool._errors import ConfigError
from unspool._evaluation.next_symbols import EOS
from unspool._evaluation.surprisal import surprisal_of
from unspool._model.classifying import classifications
from unspool._model.conditioning import conditioned_on
from unspool._model.generator import Generator
from unspool._model.scoring import make_scorer, next_symbols
from unspool._serving.bodies import body_of
from unspool._serving.models.loaded import Loaded
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served

T = TypeVar("T")
Body = dict[str, Any]

STEERING = ("context", "source", "vector", "unknown")
TOP = 10  # symbols that may follow, where a request does not say how many


async def tokenize(served: Served, request: Request) -> JSONResponse:
    """Return the tokens of a text, as ids and by their spelling."""
    body = _fields(request, "text", "unknown")
    text = _string(body, "text")
    _check_size(served, "text", len(text))

    def tokens(model: Generator) -> Body:
        ids = model.encode(text, unknown=body.get("unknown", "error")).tolist()
        names = ("", *model.tokenizer.symbols, EOS)
        return {"tokens": ids, "symbols": [names[token] for token in ids], "count": len(ids)}

    return JSONResponse(await _read(served, body, tokens))


async def detokenize(served: Served, request: Request) -> JSONResponse:
    """Return the text of tokens."""
    body = _fields(request, "tokens")
    ids = body.get("tokens")
    ok = isinstance(ids, list) and all(type(each) is int and abs(each) < 2**31 for each in ids)
    if not isinstance(ids, list) or not ok:
        raise ConfigError("tokens", expected="a list of ids", got=repr(ids)[:60])
    _check_size(served, "tokens", len(ids))
    return JSONResponse(await _read(served, body, lambda model: {"text": model.tokenizer.decode(ids)}))


async def score(served: Served, request: Request) -> JSONResponse:
    """Return how probable texts are, each from its start to its end."""
    body = _fields(request, "input", "prompt", "detail", *STEERING)
    texts, prompt, detail = _texts(body), _string(body, "prompt", ""), body.get("detail", False)
    check("detail", detail, "true or false", isinstance(detail, bool))
    _check_size(served, "input", sum(map(len, texts)) + len(prompt))

    def scores(model: Generator) -> list[Body]:
        scorer = make_scorer(_steered(model, body), prompt=prompt, unknown=body.get("unknown"))
        rows = []
        for index, (text, one) in enumerate(zip(texts, scorer.scores(texts), strict=True)):
            row: Body = {
                "index": index,
                "logprob": one.total_logprob,
                "bits_per_character": one.bits_per_character,
                "characters": len(text),
            }
            if detail:
                bits = surprisal_of(text, one, scorer.tokenizer, unknown=scorer.rule)
                row["symbols"] = list(map(list, zip(bits.symbols, bits.bits.tolist(), strict=True)))
            rows.append(row)
        return rows

    rows = await _read(served, body, scores)
    return JSONResponse({"object": "list", "model": body["model"], "data": rows})


async def classify(served: Served, request: Request) -> JSONResponse:
    """Return which value of an attribute each text has."""
    body = _fields(request, "input", "attribute", "unknown")
    texts = _texts(body)
    _check_size(served, "input", sum(map(len, texts)))

    def labels(model: Generator) -> list[Body]:
        by = _attribute(model, body.get("attribute"))
        found = classifications(model, texts, by, prior=True, unknown=body.get("unknown"))
        return [
            {"index": index, "label": one.value, "probabilities": one.probabilities}
            for index, one in enumerate(found)
        ]

    rows = await _read(served, body, labels)
    return JSONResponse({"object": "list", "model": body["model"], "data": rows})


async def following(served: Served, request: Request) -> JSONResponse:
    """Return what may follow a text, the most probable symbols first."""
    body = _fields(request, "prompt", "top", *STEERING)
    prompt, unknown = _string(body, "prompt", ""), body.get("unknown", "error")
    _check_size(served, "prompt", len(prompt))

    def symbols(model: Generator) -> list[list[object]]:
        parts = _steered(model, body)
        found = next_symbols(parts, prompt, temperature=1.0, top=body.get("top", TOP), unknown=unknown)
        return list(map(list, found))

    return JSONResponse({"symbols": await _read(served, body, symbols)})


async def _read(served: Served, body: Body, function: Callable[[Generator], T]) -> T:
    """Do something with the model of a request, on a thread."""
    loaded: Loaded = await served.library.get(_string(body, "model"))
    try:
        return await served.library.work(function, loaded.model, seconds=served.limits.text_seconds)
    finally:
        loaded.release()


def _fields(request: Request, *names: str) -> Body:
    """Return the fields of a request that are not null."""
    body = {name: value for name, value in body_of(request).items() if value is not None}
    refuse_unknown(body, ("model", *names), "", {})
    return body


def _string(body: Body, name: str, usual: str | None = None) -> str:
    value = body.get(name, usual)
    if not isinstance(value, str):
        raise ConfigError(name, expected="a string", got=repr(value)[:60])
    return value


def _texts(body: Body) -> list[str]:
    value = body.get("input")
    texts = [value] if isinstance(value, str) else value
    ok = isinstance(texts, list) and len(texts) > 0 and all(isinstance(text, str) for text in texts)
    if not isinstance(texts, list) or not ok:
        raise ConfigError("input", expected="a string, or a list of strings", got=repr(value)[:60])
    return texts


def _check_size(served: Served, name: str, size: int) -> None:
    most = served.limits.max_prompt
    if size > most:
        message = f"the {name} may have at most {most:,} symbols; got {size:,}; send less at a time"
        raise RefusedError(400, message, code="prompt_too_long", param=name)


def _steered(model: Generator, body: Body) -> Generator:
    source = body.get("source")
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    check("source", source, "a string", source is None or isinstance(source, str))
    unknown = body.get("unknown", "error")
    return conditioned_on(
        model, body.get("context"), vector=body.get("vector"), source=source, unknown=unknown
    )


def _attribute(model: Generator, name: object) -> str:
    """Return the attribute to tell of texts: the one that was asked for, or the only one with values."""
    named = [one.name for one in model.schema.attributes if not one.is_number]
    if name is None and len(named) == 1:
        return named[0]
    if not isinstance(name, str):
        expected = (
            f"one of {', '.join(named)}" if named else "left out: the model has no attribute with values"
        )
        raise ConfigError("attribute", expected=expected, got=repr(name))
    return name
