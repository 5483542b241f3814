"""A large corpus fits in little memory: measured in a process of its own."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

# What getrusage says of a process may be what its parent had when it began, so it is not asked.
PEAK = """
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
"""
PROGRAM = (
    PEAK
    + """
import random, sys, time
import numpy as np
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.streams.lanes import Lanes

kind, alphabet, document = sys.argv[1:]
draw = random.Random(0)
words = ["".join(draw.choices(alphabet, k=draw.randint(2, 9))) for _ in range(50_000)]
total = 100_000_000 // len(alphabet[0].encode())  # characters: 100 MB as UTF-8

def records():
    done = 0
    while done < total:
        text = " ".join(draw.choices(words, k=100_000 if document == "document" else 8))
        done += len(text) + 1
        yield Record(text, ends=document != "document" or done >= total)

start = time.process_time()
fraction = None if document == "document" else 0.1
corpus = encode_corpus(records(), EncodingRecipe(tokenizer=kind, validation_fraction=fraction))
encoded, seconds = peak(), time.process_time() - start
options = dict(batch_size=32, sequence_length=64, seed=0, eos_id=corpus.tokenizer.eos_id)
next(iter(Lanes(corpus.training, document=document == "document", **options).windows(0)))
laid_out = peak()
print(len(corpus.training) + len(corpus.validation), encoded, laid_out, round(seconds, 1))
"""
)

LATIN = "etaoinshrdlucmfwypvbgkqjxz"
CHINESE = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it reads what Linux says of a process")
@pytest.mark.parametrize(
    ("kind", "alphabet", "mode"),
    [
        ("char", LATIN, "lines"),
        ("char", LATIN, "document"),
        ("char", CHINESE, "lines"),
        ("word", LATIN, "lines"),
    ],
)
def test_100_mb_of_text_are_encoded_in_less_than_350_mib(kind: str, alphabet: str, mode: str) -> None:
    command = [sys.executable, "-c", PROGRAM, kind, alphabet, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    symbols, encoded, laid_out, _seconds = map(float, done.stdout.split())
    assert symbols > 1e7
    assert encoded < 350, f"{encoded} MiB to encode"
    assert laid_out < 450, f"{laid_out} MiB with one epoch laid out"
    print(f"{kind}, {mode}: {done.stdout}")


TRAIN = (
    PEAK
    + """
import json, random, sys
import unspool

path, out, document = sys.argv[1:]
class Enough(Exception): pass
seen = []

def watch(record):
    seen.append(record)
    if len(seen) == 300:
        raise Enough

try:
    unspool.train(
        unspool.read_records(path, document=document == "document"), out=out, on_record=watch,
        on_start=lambda plan: print(json.dumps(plan.note)),
        network=unspool.NetworkConfig(hidden_size=16), training=unspool.TrainingConfig(threads=1),
        sample_prompts=[],
    )
except Enough:
    print(peak())
"""
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it reads what Linux says of a process")
@pytest.mark.parametrize("mode", ["lines", "document"])
def test_a_training_on_200_mb_takes_less_than_250_mib(mode: str, tmp_path: Path) -> None:
    draw = random.Random(0)
    words = ["".join(draw.choices(LATIN, k=draw.randint(2, 9))) for _ in range(50_000)]
    text = tmp_path / "text.txt"
    with text.open("w") as file:
        while file.tell() < 200_000_000:
            file.writelines(" ".join(draw.choices(words, k=8)) + "\n" for _ in range(1000))
    notes = []
    for turn in ("first", "again"):
        command = [sys.executable, "-c", TRAIN, str(text), str(tmp_path / turn), mode]
        environment = os.environ | {"UNSPOOL_CACHE": str(tmp_path / "cache")}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        note, peak = done.stdout.splitlines()
        notes.append(json.loads(note))
        assert int(peak) < 250, f"{peak} MiB"
        print(f"{mode}, {turn}: {peak} MiB")
    assert notes == [None, "taken from the cache (unspool cache)"]
