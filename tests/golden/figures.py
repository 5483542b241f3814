"""Golden figures: scores, surprisal, evaluations, audits, rankings, enumerations, beams, rounded."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import unspool

from . import corpora
from .models import KINDS, loaded, records, trained
from .writing import lines

TEXTS = ("Oil falls again", "The team wins at last", "Zoë's café opens in May", "", "again again")
SCORED = ("lstm", "gru", "gru-before", "rnn", "deep", "tied", "embedded", "bf16", "averaged", "word")
PATTERN = unspool.Constraint(regex="(Oil|Gold) [a-z]+", scope="text")
ENUMERATIONS: tuple[dict[str, Any], ...] = (
    {"limit": 6},
    {"min_probability": 0.01, "max_new_tokens": 6},
    {"min_logprob": -4.0, "in_order": False},
    {"limit": 4, "ended_only": True, "max_new_tokens": 9},
    {"limit": 4, "constraint": PATTERN, "prompt": ""},
)
BEAMS: tuple[dict[str, Any], ...] = (
    {},
    {"n": 3},
    {"num_beams": 8, "n": 3, "length_penalty": 1.0},
    {"early_stopping": True, "n": 2},
    {"num_beams": 6, "num_beam_groups": 3, "diversity_penalty": 1.5, "n": 4},
    {"n": 2, "constraint": PATTERN, "prompt": ""},
)
READ: tuple[tuple[str, dict[str, Any]], ...] = (
    ("windows.txt", {}),
    ("several", {}),
    ("headlines.txt.gz", {}),
    ("poem.txt", {"split": "sentences"}),
    ("news.jsonl", {"text": "title", "context": ["label"]}),
    ("bare.tsv", {"text": [0, 2], "separator": " | "}),
    ("news.csv", {"text": "title", "context": ["score", "length"]}),
    ("dates.tsv", {"source_text": 0, "text": 1}),
)
Row = dict[str, Any]


def of_scores() -> list[Row]:
    """Return scores of texts, of beginnings and after a prompt."""
    rows: list[Row] = []
    for name in SCORED:
        model = loaded(name)
        for score in model.score(TEXTS, unknown="drop"):
            rows.append({"case": f"score {name}", "text": score})
        for given in ({"prompt": "Oil ", "ended": False}, {"prompt": "The team wins "}):
            (score,) = model.score(["again"], unknown="drop", **given)
            rows.append({"case": f"score {name} after", "logprob": score.total_logprob})
    return rows


def fields(value: Any) -> Row:
    """Return the fields of a dataclass, whether or not it has slots."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def of_surprisal() -> list[Row]:
    """Return what a text's symbols take, what may come next, and what a unit holds."""
    rows: list[Row] = []
    for name in ("lstm", "word", "tied"):
        model = loaded(name)
        rows.append({"case": f"surprisal {name}", **fields(model.surprisal(TEXTS[0]))})
        rows.append({"case": f"next {name}", "symbols": model.next_symbols("Oil ", top=5)})
        rows.append({"case": f"cold {name}", "symbols": model.next_symbols("", top=3, temperature=0.5)})
        rows.append({"case": f"hidden {name}", "sums": model.hidden_states("Oil").sum(axis=2)})
    return rows


def of_evaluations() -> list[Row]:
    """Return how well every kind of model predicts its own corpus."""
    rows: list[Row] = []
    for name, kind in KINDS.items():
        corpus = kind()["records"]
        rows.append({"case": f"evaluate {name}", **fields(loaded(name).evaluate(corpus, unknown="drop"))})
        rows.append({"case": f"repr {name}", "text": repr(loaded(name))})
    return rows


def of_comparisons() -> list[Row]:
    """Return rankings, likelihood ratios, guess numbers and labels."""
    model, other = loaded("lstm"), loaded("gru")
    texts = [text for text in TEXTS if text]
    rows = [{"case": f"rank {by}", **fields(row)} for by in ("logprob", "bits_per_character")
            for row in model.rank(texts, by=by)]  # fmt: skip
    rows += [{"case": "ratio", **fields(row)} for row in model.likelihood_ratios(texts, other)]
    rows += [{"case": "guess", **fields(row)} for row in model.guess_numbers(texts, samples=300, seed=4)]
    titles = [row["title"] for row in corpora.labelled(8)]
    for prior in (True, False):
        found = loaded("steered").classify(titles, "label", prior=prior)
        rows += [{"case": f"classify {prior}", **fields(row)} for row in found]
    return rows


def of_searches() -> list[Row]:
    """Return enumerations and beams."""
    rows: list[Row] = []
    for name, prompt in (("lstm", "Oil falls"), ("word", "The team "), ("rnn", "Gold")):
        model = loaded(name)
        for number, options in enumerate(ENUMERATIONS):
            rows += enumerated(f"enumerate {name} {number}", model, {"prompt": prompt, **options})
        for number, options in enumerate(BEAMS):
            texts = attempted(model, {"prompt": [prompt, ""], "max_new_tokens": 16, **options})
            rows += [{"case": f"beams {name} {number}", **row} for row in texts]
    answered = loaded("pairs").beam_search(source=["3 march", "14 may"], n=2, max_new_tokens=8)
    return [*rows, *(found_row("beams of sources", text) for text in answered)]


def enumerated(case: str, model: unspool.Generator, given: Row) -> list[Row]:
    """Describe an enumeration, or why it is refused."""
    try:
        found = model.enumerate(**{"max_new_tokens": 12, **given})
        rows = [found_row(case, text) for text in found]
    except unspool.ConfigError as error:
        return [{"case": case, "refused": str(error)}]
    return [*rows, {"case": case, "covered": found.covered, "remaining": found.remaining}]


def attempted(model: unspool.Generator, given: Row) -> list[Row]:
    """Describe the texts that a search finds, or why it refuses."""
    try:
        return [found_row("", text) for text in model.beam_search(**given)]
    except unspool.ConfigError as error:
        return [{"refused": str(error)}]


def found_row(case: str, text: unspool.FoundText) -> Row:
    """Describe a text that a search found."""
    row: Row = {"case": case} if case else {}
    row |= {
        "text": text.text,
        "finish": text.finish_reason,
        "logprob": text.total_logprob,
        "score": text.score,
    }
    return row if text.constrained_logprob is None else {**row, "constrained": text.constrained_logprob}


def of_audits() -> list[Row]:
    """Return audits of a document and of a model of words; the command line shows others."""
    rows: list[Row] = []
    for name in ("document", "word"):
        told = (trained(name) / "metrics.jsonl").read_text("utf-8").splitlines()
        corpus = records("poem.txt", document=True) if name == "document" else records("headlines.txt")
        result = loaded(name).audit(corpus, samples=40, metrics=map(json.loads, told), max_new_tokens=60)
        facts = result.to_dict()
        facts["copying"]["samples"] = facts["copying"]["samples"][:2]
        rows.append({"case": f"audit {name}", "sentences": result.sentences, **facts})
    return rows


def of_records() -> list[Row]:
    """Return what is read of each format: the first records, and how many there are."""
    rows: list[Row] = []
    for name, options in READ:
        found = list(unspool.read_records(Path(name), **options))
        rows += [{"case": f"read {name}", **fields(record)} for record in found[:3]]
        characters = sum(len(record.text) for record in found)
        rows.append({"case": f"read {name}", "records": len(found), "characters": characters})
    return rows


def figures() -> str:
    """Return all figures of scores and evaluations."""
    return lines([*of_scores(), *of_surprisal(), *of_evaluations(), *of_comparisons()])


def searches() -> str:
    """Return what searches find, what audits say, and what is read."""
    return lines([*of_searches(), *of_audits(), *of_records()])
