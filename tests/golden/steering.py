"""Golden texts of models that are steered by contexts, vectors, sources, states; streams; collections."""

from typing import Any

import unspool

from .models import loaded
from .texts import Row, written
from .writing import lines

CONTEXTS: tuple[dict[str, Any], ...] = (
    {"label": "Sports"}, {"label": "World"}, {"score": 4.5}, {"length": 12},
    {"label": "Business", "length": 30},
    {"label": "Sports", "score": -1.0, "length": 20}, {"label": "Weather"}, {"colour": "red"},
)  # fmt: skip
VECTORS = ([1.0, 0.0, 0.5], [0.0, 1.0, -0.5], [0.5, 0.5, 0.0], [1.0])
SOURCES = ("3 march", "14 may", "28 july", "9 x march")
COLLECTIONS: tuple[dict[str, Any], ...] = (
    {"unique": True, "n": 8}, {"novel": True, "n": 6, "temperature": 0.3}, {"valid": "[A-Z].{8,}", "n": 6},
    {"finished": True, "n": 5, "max_new_tokens": 18},
    {"unique": True, "n": 9, "temperature": 0.0, "max_attempts": 30},
    {"unique": True, "novel": True, "finished": True, "valid": ".{6,}", "n": 5, "first": 3, "max_tokens": 25},
)  # fmt: skip
STREAMED: tuple[dict[str, Any], ...] = (
    {}, {"stop": ["in", "s "]}, {"stop": "in", "include_stop": True}, {"temperature": 0.5, "top_k": 4},
    {"constraint": unspool.Constraint(regex="[A-Z][a-z ]{4,20}", scope="continuation")}, {"bad_words": "e"},
)  # fmt: skip


def of_contexts() -> list[Row]:
    """Return texts under contexts, vectors and sources."""
    rows: list[Row] = []
    for name in ("steered", "steered-deep"):
        for context in CONTEXTS:
            rows += written(f"{name} {context}", loaded(name), context=context, n=2, max_new_tokens=40)
        rows += written(f"{name} open", loaded(name), n=2, max_new_tokens=40)
    for vector in VECTORS:
        rows += written(f"vector {vector}", loaded("vector"), vector=vector, n=2, max_new_tokens=12)
    for name in ("pairs", "pairs-lstm"):
        model = loaded(name)
        for unknown in ("error", "drop"):
            for source in SOURCES:
                rows += written(
                    f"{name} {source}", model, source=source, n=2, unknown=unknown, temperature=0.7
                )
        rows += written(f"{name} all", model, source=list(SOURCES[:3]), temperature=0.0)
        rows += written(f"{name} prompted", model, "03-", source=SOURCES[0], max_new_tokens=9)
        rows += written(f"{name} without", model)
    return rows


def of_states() -> list[Row]:
    """Return texts that go on from states: of a text, between two, of arithmetic, and of plain numbers."""
    rows: list[Row] = []
    for name in ("lstm", "gru", "deep", "word"):
        model = loaded(name)
        oil, team = model.state_after("Oil "), model.state_after("The team ")
        states = {
            "of a text": oil, "between": oil.interpolate(team, 0.3),
            "sum": 0.5 * (oil + team) - team,
            "plain": oil.values * 0.5, "several": [oil, team],
        }  # fmt: skip
        for case, state in states.items():
            rows += written(f"{name} state {case}", model, state=state, n=2, max_new_tokens=24)
        rows += written(
            f"{name} state prompted", model, "ri", state=-oil, n=2, max_new_tokens=24, unknown="drop"
        )
    return rows


def of_streams() -> list[Row]:
    """Return the first piece of streams, and the rest: how it is cut depends on the time."""
    rows: list[Row] = []
    for name in ("lstm", "word", "tied", "document"):
        model = loaded(name)
        for number, options in enumerate(STREAMED):
            given = {"seed": 5, "max_new_tokens": 32, "unknown": "drop", **options}
            pieces = list(model.stream("Oil ", **given))
            (whole,) = model.generate("Oil ", **given)
            assert "".join(pieces) == whole.continuation
            rows.append({"case": f"{name} stream {number}", "first": pieces[:1], "rest": "".join(pieces[1:])})
    return rows


def of_collections() -> list[Row]:
    """Return collections with their reports."""
    rows: list[Row] = []
    for number, options in enumerate(COLLECTIONS):
        model = loaded("lstm")
        given = {"seed": 2, **({} if "max_tokens" in options else {"max_new_tokens": 40}), **options}
        collection = model.collect(["", "Oil "], **given)
        texts = [text.text for text in collection]
        counts = {name: value for name, value in vars(collection.report).items() if name != "seconds"}
        rows.append({"case": f"collection {number}", "texts": texts, "report": counts})
        assert [text.text for text in model.generate(["", "Oil "], **given)] == texts
    index = unspool.NoveltyIndex.of(unspool.read_records("./headlines.txt", reuse=False))
    rows += written("against an index", loaded("word"), n=5, novel=index, max_new_tokens=12)
    return rows


def steered_texts() -> str:
    """Return all of them."""
    return lines([*of_contexts(), *of_states(), *of_streams(), *of_collections()])
