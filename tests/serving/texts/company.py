"""Models of several kinds in folders, random requests to them, and what `generate` answers to the same."""

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import unspool
from tests.random_generation import SYMBOLS, random_constraint, random_options
from unspool._configuration import to_dict
from unspool._errors import ConfigError, NetworkError
from unspool._generation.results import Generation
from unspool._network.parameters import initialize
from unspool._text.context import Attribute, ContextSchema
from unspool._text.novelty import NoveltyIndex
from unspool._text.tokenizers.registry import ByteTokenizer, CharTokenizer, Tokenizer, WordTokenizer

CHARS = CharTokenizer(SYMBOLS)
WORDS = WordTokenizer([" ", "anna", "bad", "ab", "ace", "dad", "g"], unk=True)
SCHEMA = ContextSchema(
    (Attribute("label", ("one", "two"), (3, 5)), Attribute("size", mean=1.0, deviation=2.0))
)
WITH_VECTOR = ContextSchema(SCHEMA.attributes, 2)


def made(
    tokenizer: Tokenizer, seed: int, *, data: Any = None, source: Any = None, **network: Any
) -> unspool.Generator:
    """Make a small model that writes of everything."""
    config = unspool.NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size, **network)
    noise = np.random.default_rng(seed)
    parameters = {
        name: (array + 0.5 * noise.normal(size=array.shape)).astype(np.float32)
        for name, array in initialize(config, seed).items()
    }
    return unspool.Generator(
        network=config,
        tokenizer=tokenizer,
        parameters=parameters,
        data=data or {},
        source_tokenizer=source,
        threads=2,
    )


def all_models() -> dict[str, unspool.Generator]:
    """Make a model of each kind."""
    context = {"context": to_dict(SCHEMA)}
    vector = {"context": to_dict(WITH_VECTOR)}
    return {
        "chars": made(CHARS, 1),
        "words": made(WORDS, 2),
        "bytes": made(ByteTokenizer(), 3),
        "context": made(CHARS, 4, data=context, context_size=SCHEMA.size),
        "vector": made(CHARS, 5, data=vector, context_size=SCHEMA.size, start_size=2),
        "pairs": made(CHARS, 6, source=CHARS, source_vocab_size=CHARS.vocab_size),
    }


def save_models(folder: Path) -> dict[str, unspool.Generator]:
    """Save a model of each kind below a folder, and return them by name."""
    models = all_models()
    models["chars"].novelty_index = NoveltyIndex.of([*SYMBOLS, *(f"a{symbol}" for symbol in SYMBOLS)])
    for name, model in models.items():
        model.save(folder / name)
    return models


@dataclass(frozen=True)
class Case:
    """A request, and the texts that `generate` gives for it."""

    body: dict[str, Any]
    prompts: list[str]
    expected: list[Generation]
    model: unspool.Generator


def cases(seed: int, models: dict[str, unspool.Generator]) -> Iterator[Case]:
    """Yield random requests that can be met."""
    draw = random.Random(seed)
    while True:
        name = draw.choice(list(models))
        case = _case(draw, name, models[name])
        if case is not None:
            yield case


def _case(draw: random.Random, name: str, model: unspool.Generator) -> Case | None:
    constrained = name != "bytes" and draw.random() < 0.3
    options = random_options(draw, constrained=constrained) if name not in ("bytes", "words") else _few(draw)
    stream = draw.random() < 0.5
    if stream:
        options.pop("best_of", None)
    constraint = random_constraint(draw) if constrained else None
    prompts = [_prompt(draw, model.tokenizer) for _ in range(draw.choice([1, 1, 2]))]
    n = draw.choice([1, 1, 2, 3])
    told: dict[str, Any] = {}
    if name in ("context", "vector") and draw.random() < 0.7:
        told["context"] = draw.choice([{"label": "two"}, {"size": 3.5}, {"label": "one", "size": -1}, {}])
    if name == "vector" and draw.random() < 0.7:
        told["vector"] = [draw.random(), -draw.random()]
    if name == "pairs":
        told["source"] = draw.choice(["ab", ["bad"], ["a", "gg"] if len(prompts) == 2 else ["abc"]])
    try:
        expected = model.generate(prompts, n=n, constraint=constraint, **told, **options)
    except (ConfigError, NetworkError):
        return None
    conditions = (
        {}
        if constraint is None
        else {key: each for key, each in to_dict(constraint).items() if each is not None}
    )
    body = {
        "model": name,
        "prompt": _as_asked(draw, model, prompts),
        "n": n,
        "stream": stream,
        **told,
        **_as_json(options),
    }
    return Case(json.loads(json.dumps(body | conditions)), prompts, list(expected), model)


def _few(draw: random.Random) -> dict[str, Any]:
    options = {
        "temperature": draw.choice([0.5, 1.0, 2.0]),
        "logprobs": draw.choice([None, 2]),
        "echo": draw.random() < 0.3,
        "max_new_tokens": draw.randrange(1, 30),
        "seed": draw.randrange(2**48),
        "stop": draw.choice([None, ["a"], ["bad", "ab"]]),
        "frequency_penalty": draw.choice([None, 0.5]),
    }
    return {name: each for name, each in options.items() if each is not None}


def _prompt(draw: random.Random, tokenizer: Tokenizer) -> str:
    if tokenizer.kind == "bytes":
        return draw.choice(["", "é", "né ☃", "abc"])
    between = " " if tokenizer.kind == "word" else ""
    return between.join(draw.choices(tokenizer.symbols[1:6], k=draw.randrange(5)))


def _as_asked(draw: random.Random, model: unspool.Generator, prompts: list[str]) -> Any:
    """Return prompts in one of the forms in which they may be asked for."""
    if draw.random() < 0.3:
        rows = [model.tokenizer.encode(prompt).tolist() for prompt in prompts]
        return rows[0] if len(rows) == 1 and rows[0] else rows
    return prompts[0] if len(prompts) == 1 else prompts


def _as_json(options: dict[str, Any]) -> dict[str, Any]:
    values = dict(options)
    if values.get("logit_bias"):
        values["logit_bias"] = {
            str(key): "-inf" if bias == -math.inf else bias for key, bias in values["logit_bias"].items()
        }
    return values


def answered(body: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """Return the choices of an answer, those of a stream put together."""
    if not body.get("stream"):
        choices: list[dict[str, Any]] = json.loads(text)["choices"]
        return choices
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    whole: dict[int, dict[str, Any]] = {}
    for event in map(json.loads, events):
        assert "error" not in event, event
        for choice in event["choices"]:
            _put_together(whole.setdefault(choice["index"], {}), choice)
    return [whole[index] for index in sorted(whole)]


def _put_together(whole: dict[str, Any], choice: dict[str, Any]) -> None:
    assert whole.get("finish_reason") is None, "nothing comes after the end"
    if not whole:
        whole.update(choice)
        return
    whole["text"] += choice["text"]
    for name, values in (choice["logprobs"] or {}).items():
        whole["logprobs"][name] = None if values is None else whole["logprobs"][name] + values
    for name in ("finish_reason", "stop_reason"):
        whole[name] = choice[name]


def expected_choice(case: Case, index: int) -> dict[str, Any]:
    """Return the choice that a text of `generate` makes."""
    text, tokenizer = case.expected[index], case.model.tokenizer
    echo, wanted = case.body.get("echo"), case.body.get("logprobs")
    shown = text.text if echo else text.continuation
    reports = None
    if wanted is not None:
        rows = _rows(text, tokenizer, echo=bool(echo))
        reports = {
            "tokens": [name for name, *_, at in rows if name == "<eos>" or at < len(shown)],
            "token_logprobs": [value for name, value, _, at in rows if name == "<eos>" or at < len(shown)],
            "top_logprobs": [top for name, _, top, at in rows if name == "<eos>" or at < len(shown)],
            "text_offset": [at for name, *_, at in rows if name == "<eos>" or at < len(shown)],
        }
    return {
        "index": index,
        "text": shown,
        "logprobs": reports,
        "finish_reason": text.finish_reason,
        "stop_reason": text.stop_reason,
    }


def _rows(
    text: Generation, tokenizer: Tokenizer, *, echo: bool
) -> list[tuple[str, float, dict[str, float], int]]:
    """Return the tokens of a text: their names, log-probabilities, rivals, and first characters."""
    names = ("", *tokenizer.symbols, "<eos>")
    ids, logprobs = text.ids.tolist(), text.token_logprobs.tolist()
    ids += [tokenizer.eos_id] * (len(logprobs) - len(ids))
    assert text.alternatives is not None
    rivals = _rivals(text.alternatives, names)
    if echo:
        assert text.prompt_logprobs is not None
        assert text.prompt_alternatives is not None
        ids = tokenizer.encode(text.prompt).tolist() + ids
        logprobs = text.prompt_logprobs.tolist() + logprobs
        rivals = _rivals(text.prompt_alternatives, names) + rivals
    rows, at = [], 0
    for token, logprob, top in zip(ids, logprobs, rivals, strict=True):
        rows.append((names[token], logprob, {names[token]: logprob} | top, at))
        at += _characters(tokenizer, token)
    return rows


def _rivals(alternatives: Any, names: Sequence[str]) -> list[dict[str, float]]:
    return [
        {names[token]: value for token, value in zip(ids, values, strict=True)}
        for ids, values in zip(alternatives.ids.tolist(), alternatives.logprobs.tolist(), strict=True)
    ]


def _characters(tokenizer: Tokenizer, token: int) -> int:
    if tokenizer.kind == "bytes":
        return int(0 < token < tokenizer.eos_id and (token - 1) & 0xC0 != 0x80)
    return len(tokenizer.decode([token]))
