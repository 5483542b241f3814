"""``unspool enumerate``, and beams in ``unspool sample``: what they print, refuse and keep."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import unspool as library
from tests.cli.conftest import Run


def test_texts_come_with_their_probability_the_likeliest_first(unspool: Run, model: Path) -> None:
    done = unspool(["enumerate", str(model), "oil ", "--limit", "9"])
    assert done.exit_code == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    wanted = list(library.load(model).enumerate("oil ", limit=9))
    assert [text for _, text in rows] == [text.text for text in wanted]
    assert [float(p) for p, _ in rows] == pytest.approx([text.probability for text in wanted], rel=1e-5)
    assert done.stderr.startswith("9 texts with a total probability")


def test_json_accounts_for_all_probability(unspool: Run, model: Path) -> None:
    done = unspool(["enumerate", str(model), "--min-probability", "1e-3", "--max-new-tokens", "3", "--json"])
    document = json.loads(done.stdout)
    assert document["whole"]
    assert document["remaining"] == 0
    assert document["covered"] == pytest.approx(math.fsum(text["probability"] for text in document["texts"]))
    assert {text["finish_reason"] for text in document["texts"]} <= {"stop", "length"}
    ended = unspool(
        [
            "enumerate",
            str(model),
            "--min-logprob",
            "-7",
            "--max-new-tokens",
            "3",
            "--ended-only",
            "--any-order",
        ]
    )
    assert ended.exit_code == 0


def test_an_enumeration_without_end_is_refused(unspool: Run, model: Path) -> None:
    done = unspool(["enumerate", str(model)])
    assert done.exit_code == 2
    assert "--min-probability of 1e-6" in done.stderr
    assert unspool(["enumerate", str(model), "--min-probability", "2"]).exit_code == 2
    unordered = unspool(["enumerate", str(model), "--limit", "3", "--any-order"])
    said = "--limit ends an enumeration in order alone: expected --in-order, or a --min-probability beside it"
    assert unordered.stderr == f"unspool: {said}\n"
    assert unspool(["enumerate", str(model), "--limit", "1"]).stderr.startswith("1 text with a total")


def test_a_probability_that_no_float_holds_is_written(unspool: Run, model: Path) -> None:
    from unspool._cli.commands.enumerate import probability

    class Text:
        total_logprob = -2000.0
        probability = 0.0

    mantissa, exponent = probability(Text()).split("e")  # type: ignore[arg-type]
    assert math.log(float(mantissa)) + int(exponent) * math.log(10) == pytest.approx(-2000)


def test_ctrl_c_leaves_whole_lines(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "unspool", "enumerate", str(model), "--min-logprob", "-200"]
    out = tmp_path / "out.txt"
    with out.open("w") as file:
        unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}  # else the search may be out of memory first
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True, env=unbuffered)
        while not out.stat().st_size and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "all texts not listed" in errors
    printed = out.read_text("utf-8")
    assert printed.endswith("\n")
    assert all(line.count("\t") == 1 for line in printed.splitlines())


def test_ctrl_c_leaves_a_document(unspool: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give, given = library.Enumeration.__next__, []

    def interrupted(texts: library.Enumeration) -> library.FoundText:
        if len(given) == 5:
            raise KeyboardInterrupt
        given.append(give(texts))
        return given[-1]

    monkeypatch.setattr(library.Enumeration, "__next__", interrupted)
    done = unspool(["enumerate", str(model), "--limit", "9", "--json"])
    assert done.exit_code == 130
    document = json.loads(done.stdout)
    assert [text["text"] for text in document["texts"]] == [text.text for text in given]
    assert not document["whole"]
    assert document["remaining"] > 0


def test_beams_are_those_of_the_library(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "oil ", "--num-beams", "4", "--n", "3", "--max-new-tokens", "9"])
    assert done.exit_code == 0, done.stderr
    wanted = library.load(model).beam_search("oil ", num_beams=4, n=3, max_new_tokens=9)
    assert done.stdout.splitlines() == [text.text for text in wanted]
    listed = unspool(["sample", str(model), "--length-penalty", "1", "--n", "7", "--json"])
    assert len(json.loads(listed.stdout)) == 7


def test_flags_that_draw_do_not_go_with_beams(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "--num-beams", "4", "--top-k", "3"])
    assert done.exit_code == 2
    assert "--top-k does not apply to a beam search" in done.stderr
