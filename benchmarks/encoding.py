"""Encoding at character level: unspool beside Hugging Face `tokenizers`, on the same lines, to the same ids.

The first table turns lines in memory into ids. The second one does a run's whole job from a file: reading,
cutting into lines, building the tokenizer, holding out by hash, ids in streams; `tokenizers` reads the lines
and encodes them with a vocabulary that it is given.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import harness

KINDS = {
    "tokenizers, BPE without merges": "bpe",
    "tokenizers, WordLevel of characters": "word_level",
}


def lines_of(arguments: argparse.Namespace) -> list[str]:
    """Return the lines of a file, or those of the embedded corpus repeated."""
    if arguments.data:
        texts = arguments.data.read_text("utf-8").split("\n")
    else:
        from unspool._text.corpora.registry import CORPORA

        texts = [text for text, _ in CORPORA["docstrings"].rows()]
    lines, characters = [], 0
    for line in itertools.cycle(text for text in texts if text and not text.isspace()):
        if characters >= arguments.characters:
            return lines
        lines.append(line)
        characters += len(line)
    return lines


def peer(kind: str, symbols: tuple[str, ...]) -> object:
    """Return a tokenizer of the peer that gives each character the same id as ours."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    vocabulary = {symbol: i for i, symbol in enumerate(symbols, start=1)}
    if kind == "bpe":
        return Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer = Tokenizer(models.WordLevel(vocab={**vocabulary, "<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return tokenizer


def check_ids(peer_tokenizer: object, lines: list[str], own_tokenizer: object) -> None:
    """Stop unless both return the same ids."""
    encoded = peer_tokenizer.encode_batch(lines[:1000], add_special_tokens=False)
    ids = [i for each in encoded for i in each.ids]
    if ids != own_tokenizer.encode_texts(lines[:1000]).ids.tolist():
        raise SystemExit("the peer gives other ids; there is nothing to compare")


def rate(work: Callable[[], object], characters: int) -> Callable[[], float]:
    """Prepare a round that returns million characters a second."""
    return lambda: characters / harness.seconds(work) / 1e6


def from_file(path: Path, arguments: argparse.Namespace) -> Callable[[], object]:
    """Prepare a run's whole job; each time it encodes the corpus again, without the cache."""
    import unspool
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe

    records = unspool.read_records(path, normalization=arguments.normalization, reuse=False)
    recipe = EncodingRecipe(normalization=arguments.normalization, validation_fraction=0.1)
    return lambda: encode_corpus(records, recipe)


def general_way(path: Path, arguments: argparse.Namespace) -> Callable[[], object]:
    """Prepare the same job record by record, as for tables and other tokenizers."""
    import unspool
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe

    records = unspool.read_records(path, normalization=arguments.normalization, reuse=False)
    recipe = EncodingRecipe(normalization=arguments.normalization, validation_fraction=0.1)
    return lambda: encode_corpus(iter(records), recipe)


def read_and_encode(path: Path, tokenizer: object) -> Callable[[], object]:
    """Prepare the peer's part: read the lines, encode them, and join the ids in one array."""

    def work() -> object:
        lines = [line for line in path.read_text("utf-8").split("\n") if line and not line.isspace()]
        encoded = tokenizer.encode_batch_fast(lines, add_special_tokens=False)
        return np.concatenate([np.array(each.ids, np.uint8) for each in encoded])

    return work


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, harness.Spread]]:
    """Let all contenders take turns on both jobs."""
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe
    from unspool._text.records import Record

    lines = lines_of(arguments)
    characters = sum(map(len, lines))
    reference = encode_corpus(map(Record, lines), EncodingRecipe()).tokenizer
    peers: dict[str, object] = {}
    if harness.installed("tokenizers"):
        peers = {name: peer(kind, reference.symbols) for name, kind in KINDS.items()}
        for each in peers.values():
            check_ids(each, lines, reference)
    else:
        harness.absent("tokenizers", "tokenizers")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.txt")
        path.write_text("\n".join(lines), "utf-8")
        memory: dict[str, Callable[[], object]] = {"unspool": lambda: reference.encode_texts(lines)}
        whole: dict[str, Callable[[], object]] = {
            "unspool": from_file(path, arguments),
            "unspool, record by record": general_way(path, arguments),
        }
        for name, each in peers.items():
            memory[name] = lambda each=each: each.encode_batch_fast(lines, add_special_tokens=False)
            whole[name] = read_and_encode(path, each)
        return {
            job: harness.take_turns(
                {name: rate(work, characters) for name, work in works.items()}, rounds=arguments.rounds
            )
            for job, works in (("lines in memory to ids", memory), ("a file to streams", whole))
        }


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=5)
    parser.add_argument("--characters", type=int, default=10_000_000, help="characters in a round")
    parser.add_argument("--data", type=Path, help="a text to take the lines from")
    parser.add_argument("--normalization", default="NFC", help="Unicode form of our lines; the peer has none")
    arguments = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)  # the peer's threads; before it is imported
    results = measure(arguments)
    document = {
        "benchmark": "encoding",
        "machine": harness.describe(threads=arguments.threads),
        "peer": harness.installed("tokenizers"),
        "settings": {**vars(arguments), "data": str(arguments.data or "docstrings")},
        "results": results,
    }
    header = ["million characters a second", "median (low to high)", ""]
    lines = []
    for job, figures in results.items():
        unspool = figures["unspool"].median
        rows = [[name, str(spread), f"{unspool / spread.median:.1f} ×"] for name, spread in figures.items()]
        lines += [job, "", harness.table(header, rows), ""]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
