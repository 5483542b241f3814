"""What is given away with a model never says where it was made, and a run still finds its texts again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.attacks.tiny_training import FLAGS, OPTIONS, TEXT
from unspool._cli.app import app
from unspool._pipeline import resume_training
from unspool._training.folder.corpus_places import PLACES, shared_data

WHOSE = "somebodys-home"  # a folder on the way to everything that is read and written here


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / WHOSE
    home.mkdir()
    (home / "names.txt").write_text(TEXT)
    (home / "held.txt").write_text("aex\nboy\n")
    monkeypatch.chdir(home)
    return home


def command(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        app.main(list(arguments))
    assert end.value.code == 0


def telling(folder: Path) -> list[str]:
    """List the files that have the name of the place, in their content or their own name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(folder)) for path in files if WHOSE.encode() in path.read_bytes())


@pytest.mark.parametrize("typed", ["relative", "absolute"])
def test_only_the_run_itself_knows_the_place(home: Path, typed: str) -> None:
    prefix = f"{home}/" if typed == "absolute" else ""
    command(
        "train", f"{prefix}names.txt", "--validation", f"{prefix}held.txt", "--out", f"{prefix}run", *FLAGS
    )
    command("audit", f"{prefix}run", "--samples", "100")
    unspool.load("run").save(home / "saved")
    assert telling(home / "run") == ([PLACES] if typed == "absolute" else [])
    assert telling(home / "saved") == []
    data = json.loads((home / "run" / "config.json").read_text())["data"]
    assert (data["description"], data["records"]["source"]) == ("names.txt", "names.txt")
    assert data["validation"]["source"] == "held.txt"


def test_a_sweep_says_nothing_either(home: Path) -> None:
    pytest.importorskip("optuna")
    few = ["--hidden-size", "4", "--num-layers", "1", "--cell", "gru", "--seeds", "1", "--workers", "1"]
    corpus, out = str(home / "names.txt"), str(home / "swept")
    command("sweep", corpus, "--out", out, "--symbols-per-trial", "50", "--threads", "1", *few)
    assert telling(home / "swept") == []


def stopped_run(corpus: str | Path, out: Path, **options: Any) -> None:
    """Start a run, and stop it after its fourth step."""

    def stop(record: Any) -> None:
        if record.kind == "step" and record.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unspool.train(corpus, out=out, checkpoint_seconds=0.0, on_record=stop, **OPTIONS, **options)


def test_a_project_that_moved_as_a_whole_goes_on(home: Path, tmp_path: Path) -> None:
    stopped_run("names.txt", Path("runs/a"), validation=unspool.read_records("held.txt"))
    home.rename(tmp_path / "elsewhere")
    model = resume_training(tmp_path / "elsewhere" / "runs" / "a")
    assert model.history[-1]["kind"] == "finish"


def test_a_run_whose_corpus_stayed_goes_on(home: Path, tmp_path: Path) -> None:
    stopped_run(home / "names.txt", home / "a")
    (home / "a").rename(tmp_path / "b")
    assert resume_training(tmp_path / "b").history[-1]["kind"] == "finish"


def test_a_corpus_that_moved_is_named_once(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_run("names.txt", Path("a"))
    (home / "names.txt").rename(tmp_path / "others.txt")
    with pytest.raises(SystemExit):
        app.main(["train", "--resume", "a"])
    assert "names.txt: no such file" in capsys.readouterr().err
    command("train", "--resume", str(tmp_path / "others.txt"), "--out", "a")
    command("audit", "a", "--samples", "100")  # finds it without a word
    with pytest.raises(unspool.UnspoolError, match="the texts of the run in a"):
        resume_training("a", records=unspool.read_records("held.txt"))
    command("audit", "a", "--samples", "100")


def test_a_model_of_somebody_else_asks_for_the_text(home: Path) -> None:
    stopped_run("names.txt", Path("a"))
    shutil.rmtree("a/checkpoint")
    (home / "a.txt").write_text(TEXT)
    with pytest.raises(unspool.CorpusError, match=r"a does not say where names\.txt is; name the text: "):
        resume_training("a")


def test_a_run_of_version_0_1_goes_on_and_forgets_the_path(home: Path) -> None:
    stopped_run(home / "names.txt", Path("a"))
    Path("a", PLACES).unlink()
    config = json.loads(Path("a/config.json").read_text())
    config["data"]["description"] = config["data"]["records"]["source"] = str(home / "names.txt")
    Path("a/config.json").write_text(json.dumps(config))
    Path("a/model.safetensors").unlink(missing_ok=True)
    assert resume_training("a").data["records"]["source"] == "names.txt"
    assert telling(home / "a") == [PLACES]


def test_what_is_no_path_is_told_as_it_is() -> None:
    for source in ("-", "corpus:docstrings"):
        data = {"description": "a word", "records": {"source": source}, "validation": None}
        assert shared_data(data) == data
    assert shared_data({"description": "3 texts in memory", "records": {}}) == {
        "description": "3 texts in memory", "records": {},
    }  # fmt: skip
