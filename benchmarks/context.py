"""Whether a label steers what is written: AG News titles, judged from both sides.

A naive Bayes classifier on words, trained on the titles that the network learns, tells the label of written
titles; Bayes' rule over the network's own scores tells the label of held-out titles. Beside both stand chance
and what naive Bayes makes of the held-out titles.
"""

import argparse
import csv
import math
import re
import tempfile
from collections import Counter
from pathlib import Path

import harness
import unspool
from unspool._text.encoding.split import is_held_out

LABELS = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}

Titles = list[tuple[str, str]]  # a label and a title


class NaiveBayes:
    """A classifier of labels by words, with one count added to each.

    Args:
        titles: The titles to learn from.
    """

    def __init__(self, titles: Titles) -> None:
        self._words: dict[str, Counter[str]] = {label: Counter() for label in LABELS.values()}
        self._titles = Counter(label for label, _ in titles)
        for label, title in titles:
            self._words[label].update(words(title))
        self._known = set().union(*self._words.values())
        self._totals = {label: sum(counts.values()) for label, counts in self._words.items()}

    def label(self, title: str) -> str:
        """Return the most probable label."""
        return max(self._titles, key=lambda label: self._score(label, title))

    def _score(self, label: str, title: str) -> float:
        counts, total = self._words[label], self._totals[label] + len(self._known)
        known = [word for word in words(title) if word in self._known]
        return math.log(self._titles[label]) + sum(math.log((counts[word] + 1) / total) for word in known)

    def accuracy(self, titles: Titles) -> float:
        """Return the share of titles with the right label."""
        return sum(self.label(title) == label for label, title in titles) / len(titles)


def words(title: str) -> list[str]:
    """Return the words of a title in lower case."""
    return re.findall(r"[a-z0-9']+", title.lower())


def read_titles(path: Path) -> Titles:
    """Read labels and titles."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [(LABELS[row[0]], " ".join(row[1].split())) for row in csv.reader(lines)]


def split(titles: Titles) -> tuple[Titles, Titles]:
    """Divide titles by their hash, as every training does."""
    sides: tuple[Titles, Titles] = ([], [])
    for label, title in titles:
        sides[is_held_out(title, fraction=0.1)].append((label, title))
    return sides


def train(titles: Titles, *, steered: bool, seed: int, arguments: argparse.Namespace) -> unspool.Generator:
    """Train on titles, with or without their labels."""
    texts = [{"text": title, **({"label": label} if steered else {})} for label, title in titles]
    training = unspool.TrainingConfig(
        epochs=arguments.epochs,
        seed=seed,
        threads=arguments.threads,
        context_dropout=arguments.context_dropout,
    )
    network = unspool.NetworkConfig(hidden_size=arguments.hidden_size)
    with tempfile.TemporaryDirectory() as folder:
        return unspool.train(texts, out=folder, network=network, training=training, sample_prompts=())


def written(model: unspool.Generator, temperature: float, count: int) -> Titles:
    """Generate `count` titles for each label."""
    return [
        (label, one.text)
        for label in LABELS.values()
        for one in model.generate(
            context={"label": label}, n=count, temperature=temperature, max_new_tokens=120, seed=0
        )
    ]


def classified(model: unspool.Generator, titles: Titles) -> float:
    """Return the share of titles whose label is found by Bayes' rule over the model's scores."""
    classifications = model.classify([title for _, title in titles], "label")
    pairs = zip(titles, classifications, strict=True)
    return sum(label == one.value for (label, _), one in pairs) / len(titles)


def measure(titles: Titles, seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Train with and without labels, and return the results."""
    learnt, held_out = split(titles)
    judge = NaiveBayes(learnt)
    model = train(titles, steered=True, seed=seed, arguments=arguments)
    plain = train(titles, steered=False, seed=seed, arguments=arguments)
    labelled = [{"text": title, "label": label} for label, title in held_out]
    texts = [title for _, title in held_out]
    common = Counter(label for label, _ in learnt).most_common(1)[0][0]
    figures = {
        "chance: the most frequent label": sum(label == common for label, _ in held_out) / len(held_out),
        "naive Bayes on held-out titles": judge.accuracy(held_out),
        "Bayes over score on held-out titles": classified(model, held_out),
    }
    for temperature in (0.5, 0.8, 1.0):
        name = f"naive Bayes on titles written at {temperature:g}"
        figures[name] = judge.accuracy(written(model, temperature, arguments.samples))
    return figures | {
        "bits per character, without labels": plain.evaluate(texts).bits_per_character,
        "bits per character, label told": model.evaluate(labelled).bits_per_character,
        "bits per character, label left out": model.evaluate(texts).bits_per_character,
    }


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, default=harness.data("ag_news_test.csv"))
    parser.add_argument("--epochs", type=int, default=10, help="passes over the titles")
    parser.add_argument("--hidden-size", type=int, default=128, help="units of the LSTM")
    parser.add_argument("--context-dropout", type=float, default=0.1, help="as in training")
    parser.add_argument("--samples", type=int, default=500, help="titles for each label and temperature")
    arguments = parser.parse_args()
    titles = read_titles(harness.required(arguments.data))
    runs: list[dict[str, float]] = []
    for seed in range(arguments.rounds):
        runs.append(measure(titles, seed, arguments))
        harness.say(f"seed {seed}: " + ", ".join(f"{name} {value:.3f}" for name, value in runs[-1].items()))
    spreads = {name: harness.Spread.of([run[name] for run in runs]) for name in runs[0]}
    rows = [
        [name, f"{spread.median:.3f} ({spread.low:.3f} to {spread.high:.3f})"]
        for name, spread in spreads.items()
    ]
    document = {
        "benchmark": "context",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"data": arguments.data.name, "epochs": arguments.epochs},
        "results": runs,
    }
    terms = f"Shares and bits, median (low to high) of {arguments.rounds} seeds"
    harness.finish(document, [terms, "", harness.table(["", "share, or bits"], rows)], as_json=arguments.json)


if __name__ == "__main__":
    main()
