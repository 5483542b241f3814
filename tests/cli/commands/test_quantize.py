"""Rounding on the command line: what it prints and writes, and that every command reads it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import TINY, Run, run


@pytest.fixture(scope="module")
def small(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "tiny-int8"
    done = run(["quantize", str(model), "--to", "int8", "--out", str(folder)])
    assert done.exit_code == 0, done.stderr
    assert re.search(rf"^wrote +{folder}$", done.stdout, re.MULTILINE)
    assert re.search(r"^rounded to +int8, -?0\.0", done.stdout, re.MULTILINE)
    assert " bits per character lost on its own texts\n" in done.stdout
    return folder


def test_the_loss_on_a_corpus_as_json(unspool: Run, model: Path, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["quantize", str(model), "--to", "float16", "--on", str(corpus), "--out", str(out), "--json"]
    told = json.loads(unspool(command).stdout)
    before, after = (
        json.loads(unspool(["eval", str(each), str(corpus), "--json"]).stdout)["bits_per_character"]
        for each in (model, out)
    )
    assert told["bits_per_character_lost"] == pytest.approx(after - before, abs=1e-12)
    assert (told["path"], told["precision"], told["measured_on"]) == (str(out), "float16", corpus.name)
    assert told["bytes"] == (out / "model.safetensors").stat().st_size < told["bytes_before"]
    piped = unspool([*command, "--overwrite", "--on", "-"], input=corpus.read_text("utf-8"))
    assert json.loads(piped.stdout)["bits_per_character_lost"] == told["bits_per_character_lost"]


def test_every_command_reads_it(unspool: Run, small: Path, corpus: Path, tmp_path: Path) -> None:
    for line in (
        "sample SMALL --n 2", "enumerate SMALL --limit 2", "score SMALL CORPUS", "eval SMALL CORPUS",
        "audit SMALL CORPUS --samples 5 --out OUT", "info SMALL", f"train CORPUS --init-from SMALL --out NEW "
        f"--epochs 1 {' '.join(TINY[2:])}",
    ):  # fmt: skip
        places = {"SMALL": small, "CORPUS": corpus, "OUT": tmp_path / "out", "NEW": tmp_path / "new"}
        done = unspool([str(places.get(word, word)) for word in line.split()])
        assert done.exit_code == 0, (line, done.stderr)


def test_info_says_what_it_is(unspool: Run, small: Path) -> None:
    assert re.search(r"^rounded to +int8, -?0\.0", unspool(["info", str(small)]).stdout, re.MULTILINE)
    told = json.loads(unspool(["info", str(small), "--json"]).stdout)["quantization"]
    assert (told["precision"], told["measured_on"]) == ("int8", "its own texts")


def test_its_training_does_not_go_on(unspool: Run, small: Path, corpus: Path) -> None:
    for arguments in (["--resume", str(small)], [str(corpus), "--resume", "--out", str(small)]):
        done = unspool(["train", *arguments])
        assert done.exit_code == 2
        assert "no run to resume: expected a run, in float32, got a model rounded to int8" in done.stderr
        assert "--init-from" in done.stderr


def test_a_folder_beside_it_is_the_default(
    unspool: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model, tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    assert unspool(["quantize", ".", "--to", "int8"]).exit_code == 0
    assert (tmp_path / "a-int8" / "model.safetensors").is_file()
    assert "checkpoint" not in {path.name for path in (tmp_path / "a-int8").iterdir()}


def test_what_is_there_is_replaced_only_if_that_is_asked_and_it_is_a_model(
    unspool: Run, model: Path, small: Path, tmp_path: Path
) -> None:
    command = ["quantize", str(model), "--to", "int8", "--out"]
    for out, flags in (
        (small, []), (tmp_path, ["--overwrite"]), (tmp_path, []), (model, ["--overwrite"]),
    ):  # fmt: skip
        done = unspool([*command, str(out), *flags])
        assert done.exit_code == 2
        assert "expected a new folder, got one that is there; choose another name" in done.stderr
    assert unspool([*command, str(small), "--overwrite"]).exit_code == 0


def test_what_is_no_precision_is_refused(unspool: Run, model: Path) -> None:
    for flags, message in (
        ([], "--to says what to round to: expected one of float16, int8"),
        (["--to", "int4"], "int4"),
        (["--to", "float32"], "float32"),
    ):
        done = unspool(["quantize", str(model), *flags])
        assert done.exit_code == 2
        assert message in done.stderr
