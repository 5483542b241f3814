"""Golden texts: what models write from Python under seeds, options and constraints."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import unspool

from .models import loaded
from .options import ALONE, CONSTRAINTS, constraint, random_constraint, together
from .writing import lines

PROMPTS = {"lstm": "Oil ", "word": "The team "}
WRITERS = (
    "lstm",
    "gru",
    "gru-before",
    "rnn",
    "deep",
    "tied",
    "embedded",
    "word",
    "word-cut",
    "char-cut",
    "document",
)
AT_RANDOM = 12  # draws of options for each of them

Row = dict[str, Any]


def told(case: str, texts: Iterable[unspool.Generation]) -> Iterator[Row]:
    """Describe texts: as they are, why they ended, and their log-probabilities."""
    for text in texts:
        row: Row = {
            "case": case,
            "text": text.text,
            "finish": text.finish_reason,
            "logprob": text.total_logprob,
        }
        if text.stop_reason is not None:
            row["stop"] = text.stop_reason
        if text.constrained_logprobs is not None:
            row["constrained"] = sum(text.constrained_logprobs.tolist())
        if text.prompt_logprobs is not None:
            row["prompt_logprobs"] = text.prompt_logprobs
        for name in ("alternatives", "prompt_alternatives"):
            found = getattr(text, name)
            if found is not None:
                row[name] = [found.ids, found.logprobs]
        yield row


def written(case: str, model: unspool.Generator, prompt: Any = "", **given: Any) -> list[Row]:
    """Describe what a model writes, or why it refuses."""
    try:
        return list(told(case, model.generate(prompt, **{"seed": 11, **given})))
    except (unspool.InputError, unspool.NetworkError) as error:
        return [{"case": case, "refused": str(error)}]


def texts_of_options() -> str:
    """Return texts under each option alone."""
    rows: list[Row] = []
    for name, prompt in PROMPTS.items():
        model = loaded(name)
        for number, options in enumerate(ALONE):
            given = {"n": 1 if "first" in options else 2, **options}
            if "max_tokens" not in options:
                given = {"max_new_tokens": 40, **given}
            rows += written(f"{name} {number}", model, prompt, **given)
    return lines(rows)


def texts_of_constraints() -> str:
    """Return texts under each constraint, of the whole text and of the continuation alone."""
    rows: list[Row] = []
    for name, prompt in PROMPTS.items():
        model = loaded(name)
        for number, fields in enumerate(CONSTRAINTS):
            for scope, start in (("text", ""), ("continuation", prompt)):
                asked = constraint({**fields, "scope": scope})
                case = f"{name} {number} {scope}"
                rows += written(case, model, start, constraint=asked, n=2, max_new_tokens=30)
        several = [unspool.Constraint(excludes="a"), unspool.Constraint(min_length=8, max_length=12)]
        rows += written(f"{name} several", model, ["", "Oil "], constraint=several, n=2)
        rows += written(f"{name} best", model, "", constraint=several, n=2, best_of=5)
    return lines(rows)


def texts_at_random() -> str:
    """Return texts of every kind of model under options and constraints that are drawn at random."""
    rows: list[Row] = []
    for name in WRITERS:
        model, draw = loaded(name), random.Random(f"golden {name}")
        for number in range(AT_RANDOM):
            fields = random_constraint(draw)
            options = together(draw, constrained=fields is not None)
            prompt = draw.choice(["", "Oil ", "The ", ["Gold falls", "Rain"]])
            asked = constraint(fields)
            rows += written(f"{name} {number}", model, prompt, constraint=asked, unknown="drop", **options)
    return lines(rows)
