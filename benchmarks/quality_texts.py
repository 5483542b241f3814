"""The texts that quality is measured on: nine tenths of each to learn from, one tenth to judge by."""

import importlib.util
import random
import re
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import harness
import ours
import unspool
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.streams.stream import TokenStream

HELD_OUT = 0.1


@dataclass(frozen=True)
class Text:
    """A text to measure on.

    Args:
        name: Its name in the tables.
        read: Function that reads it from its path.
        path: Where it is; the file may be missing.
        document: Whether it is one document, whose end is held out; otherwise records, of which the hash
            decides.
    """

    name: str
    read: Callable[[Path], Records]
    path: Path
    document: bool = False

    def split(self) -> ours.Split | None:
        """Read and split the text; None if there is no such file."""
        if not self.path.exists():
            harness.say(f"{self.name}: absent, there is no {self.path}")
            return None
        recipe = EncodingRecipe(
            validation_fraction=None if self.document else HELD_OUT, document=self.document
        )
        corpus = encode_corpus(self.records(), recipe)
        learnt, judged = corpus.training, corpus.validation
        if self.document:
            learnt, judged = learnt.tail_split(HELD_OUT)
        return ours.Split(corpus.tokenizer, learnt, judged, self.document)

    def trained(self, **keywords: Any) -> unspool.Generator:
        """Train on the nine tenths of the split, as `unspool train` does with these keywords."""
        with tempfile.TemporaryDirectory() as folder:
            return unspool.train(self.records(), out=Path(folder) / "run", **keywords)

    def records(self) -> Records:
        """Read the text, its records in random order: of sorted names, one tells of the next."""
        records = self.read(self.path)
        if self.document:
            return records
        texts = [record.text for record in records]
        random.Random(0).shuffle(texts)
        return Records.of(texts)


def _whole(path: Path) -> Records:
    return unspool.read_records(path, document=True)


def _lines(path: Path) -> Records:
    return unspool.read_records(path)


def _titles(path: Path) -> Records:
    return unspool.read_records(path, text="1", header=False)


def _tunes(path: Path) -> Records:
    return Records.of(re.split(r"\n\s*\n", path.read_text("utf-8").strip()))


def _poems(path: Path) -> Records:
    return unspool.read_records(path, text="text")


def _modules(path: Path) -> Records:
    return Records.of([file.read_text("utf-8") for file in sorted(path.glob("*.py"))])


def _molecules(path: Path) -> Records:
    return unspool.read_records(path, text="SMILES")


def _moses() -> Path:
    found = importlib.util.find_spec("moses")
    folder = Path(found.origin).parent if found and found.origin else Path("molsets")
    return folder / "dataset" / "data" / "train.csv.gz"


def texts() -> dict[str, Text]:
    """Return all texts by their names."""
    known = [
        Text("Shakespeare", _whole, harness.data("tinyshakespeare.txt"), document=True),
        Text("names", _lines, harness.data("names.txt")),
        Text("titles", _titles, harness.data("ag_news_test.csv")),
        Text("War and Peace", _whole, harness.data("warandpeace.txt"), document=True),
        Text("tunes", _tunes, harness.data("nottingham.abc")),
        Text("poems", _poems, harness.data("tang_poems.jsonl")),
        Text("Python", _modules, Path(sysconfig.get_paths()["stdlib"])),
        Text("PTB", _whole, harness.data("ptb.train.txt"), document=True),
        Text("MOSES", _molecules, _moses()),
    ]
    return {text.name: text for text in known}


def halves(stream: TokenStream, *, document: bool) -> tuple[TokenStream, TokenStream]:
    """Divide a held-out stream: a document in its middle, records into every second one."""
    if document:
        return stream.tail_split(0.5)
    numbers = np.arange(stream.num_records)
    return stream.take(numbers[::2]), stream.take(numbers[1::2])


def decoded(stream: TokenStream, split: ours.Split) -> list[str]:
    """Return the texts of a stream."""
    ends = np.append(stream.starts[1:], len(stream))
    eos_id = split.tokenizer.eos_id
    pieces = (stream.ids[first:end] for first, end in zip(stream.starts, ends, strict=True))
    return [split.tokenizer.decode(piece[piece != eos_id].astype(np.int32)) for piece in pieces]
