"""Do counts copy? What models write at a temperature with counts and without, beside held-out real texts.

For each: the share of words that the learnt texts have; the share of texts that stand among them word for
word, and what that share would be by chance, from how many stand among the held-out ones; and how many
characters the longest span shared with the learnt texts has, at the median and at the 90th percentile.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import harness
import ours
import quality_texts
from unspool._evaluation.audit.copying import compare_with_training, count_whole
from unspool._text.tokenizers.word_tokens import split_words

COLUMNS = ("real words", "word for word", "by chance", "shared span, median", "90th percentile")


def words(text: str) -> list[str]:
    """Return the words of a text that have a letter."""
    return [word for word in split_words(text) if any(map(str.isalpha, word))]


def figures(texts: Sequence[str], split: ours.Split, known: set[str]) -> list[float]:
    """Return the five figures of some texts."""
    ids = [split.tokenizer.encode(text) for text in texts]
    spans = compare_with_training(ids, split.training, tokenizer=split.tokenizer, document=split.document)
    lengths = [span.copied for span in spans]
    written = [word for text in texts for word in words(text)]
    more = split.training.num_records / split.validation.num_records
    return [
        sum(word in known for word in written) / len(written),
        sum(span.verbatim for span in spans) / len(spans),
        more * count_whole(ids, split.validation) / len(spans),
        *map(float, np.percentile(lengths, [50, 90])),
    ]


def rows(text: quality_texts.Text, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Measure what is written with counts and without, and held-out real texts."""
    split = text.split()
    if split is None:
        return {}
    learnt = quality_texts.decoded(split.training, split)
    known = {word for each in learnt for word in words(each)}
    real = quality_texts.decoded(split.validation, split)
    model = text.trained(epochs=arguments.epochs, counts=arguments.counts, threads=arguments.threads)
    results = {"held-out real texts": figures(real[: arguments.samples], split, known)}
    results["held-out real texts"][2] = 0.0  # each of them stands among the held-out ones
    for name, writer in (("network alone", replace(model, counts=None)), ("with counts", model)):
        written = writer.generate(n=arguments.samples, temperature=arguments.temperature, seed=0)
        results[name] = figures([result.text for result in written], split, known)
    return results


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    known = quality_texts.texts()
    records = [name for name, text in known.items() if not text.document]
    parser.add_argument("--texts", nargs="+", choices=records, default=["names", "titles"], metavar="TEXT")
    parser.add_argument("--samples", type=int, default=500, help="texts of each kind")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--counts", default="8", help="symbols of the longest context")
    arguments = parser.parse_args()
    results = {name: rows(known[name], arguments) for name in arguments.texts}
    lines = [
        [name, kind, *(f"{share:.1%}" for share in shares), f"{median:.0f}", f"{high:.0f}"]
        for name, measured in results.items()
        for kind, (*shares, median, high) in measured.items()
    ]
    document = {
        "benchmark": "copying",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    terms = f"{arguments.samples} texts each, written at temperature {arguments.temperature:g}, "
    terms += f"after {arguments.epochs} epochs; spans in characters"
    table = harness.table(["text", "what", *COLUMNS], lines)
    harness.finish(document, [terms, "", table], as_json=arguments.json)


if __name__ == "__main__":
    main()
