"""A model that a real training writes into its folder while it is served."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import unspool
from tests.serving.conftest import PATIENCE, TEXTS, check_answer, serving
from unspool._serving.served import Served

STATES = 4  # of the model that are to be seen
ASKED = {"model": "live", "seed": 1, "max_tokens": 30, "temperature": 1.0, "ignore_eos": True}


@pytest.mark.slow
def test_texts_come_from_the_best_model_so_far_while_it_learns(tmp_path: Path) -> None:
    corpus, runs = tmp_path / "corpus.txt", tmp_path / "runs"
    corpus.write_text("\n".join(TEXTS))
    runs.mkdir()
    command = [sys.executable, "-m", "unspool", "train", str(corpus), "--out", str(runs / "live")]
    command += [
        "--epochs",
        "100000",
        "--evaluate-every",
        "10",
        "--checkpoint-seconds",
        "0.1",
        "--threads",
        "1",
    ]
    command += [
        "--hidden-size",
        "8",
        "--batch-size",
        "2",
        "--learning-rate",
        "0.02",
        "--schedule",
        "constant",
    ]
    said = tmp_path / "said.txt"
    with (
        said.open("wb") as log,
        serving(Served(roots=(runs,))) as running,
        httpx.Client(base_url=running.address, timeout=PATIENCE) as client,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as training,
    ):
        try:
            texts: dict[str, str] = {}  # by the fingerprint of the model that wrote them
            end = time.monotonic() + 120
            while len(texts) < STATES or len(set(texts.values())) < 2:
                assert time.monotonic() < end, texts
                assert training.poll() is None, said.read_text()[-2000:]
                answer = client.post("/v1/completions", json=ASKED)
                check_answer(answer)
                if answer.status_code == 404 and not texts:  # nothing is learnt yet
                    assert answer.json()["error"]["code"] == "model_not_found"
                    continue
                assert answer.status_code == 200, answer.text
                told = answer.json()
                text = told["choices"][0]["text"]
                assert texts.setdefault(told["system_fingerprint"], text) == text  # of one state, one text
        finally:
            training.kill()
        training.wait(PATIENCE)
        time.sleep(1.1)  # until the folder is looked at again
        last = client.post("/v1/completions", json=ASKED).json()["choices"][0]["text"]
    options = {name: value for name, value in ASKED.items() if name != "model"}
    (expected,) = unspool.load(runs / "live").generate(**options)  # type: ignore[arg-type]
    assert last == expected.continuation
