"""The audit on the command line: what it prints, what it leaves, and what it refuses."""

import errno
import json
import shutil
from pathlib import Path
from unittest import mock

import pytest

from tests.cli.conftest import TINY, Run
from tests.pictures.labels import check_labels, words

QUICK = ["--samples", "30", "--max-new-tokens", "30", "--threads", "1"]


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "copy"))


def test_it_prints_tables_and_a_verdict_and_leaves_a_report(unspool: Run, copy: Path) -> None:
    done = unspool(["audit", str(copy), *QUICK])
    assert done.exit_code == 0, done.stderr
    assert "bits per character" in done.stdout
    assert "longest shared passage, in characters\t10%" in done.stdout
    assert "self-BLEU, words\t" in done.stdout
    assert "xact copies" in done.stdout
    assert "searching the training text" in done.stderr
    document = json.loads((copy / "audit.json").read_text("utf-8"))
    assert len(document["copying"]["samples"]) == 30
    assert document["same_corpus"] is True
    picture = check_labels((copy / "audit.svg").read_text("utf-8"))
    assert words(picture)[:3] == ["Copied from headlines.txt", "generated texts", "held-out real texts"]


def test_json_is_the_report(unspool: Run, copy: Path, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    done = unspool(["audit", str(copy), str(corpus), *QUICK, "--out", str(out), "--json"])
    assert json.loads(done.stdout) == json.loads((out / "audit.json").read_text("utf-8"))
    assert not (copy / "audit.json").exists()


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.EROFS])
def test_a_folder_that_can_only_be_read_is_audited(
    unspool: Run, copy: Path, refusal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = mock.Mock(side_effect=OSError(refusal, "refused", "audit.json"))
    monkeypatch.setattr("unspool._storage.atomic_write", write)
    done = unspool(["audit", str(copy), *QUICK, "--json"])
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["copying"]["samples"]) == 30
    assert f"Not stored: {copy} cannot be written to; choose another folder: --out DIR" in done.stderr
    assert unspool(["audit", str(copy), *QUICK, "--out", str(copy)]).exit_code == 2


def test_a_full_disk_is_an_error_of_an_audit(
    unspool: Run, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = mock.Mock(side_effect=OSError(errno.ENOSPC, "full", "audit.json"))
    monkeypatch.setattr("unspool._storage.atomic_write", write)
    assert unspool(["audit", str(copy), *QUICK]).exit_code == 2


def test_another_text_is_read_as_its_own_was(unspool: Run, copy: Path, corpus: Path, tmp_path: Path) -> None:
    lines = corpus.read_text("utf-8").splitlines()
    changed = tmp_path / "changed.txt"
    changed.write_text("\n".join(lines[:-9]), "utf-8")
    done = unspool(["audit", str(copy), str(changed), *QUICK])
    assert done.exit_code == 0, done.stderr
    assert "trained on another text" in done.stdout


def test_a_report_goes_with_the_run_that_it_is_of(unspool: Run, copy: Path, corpus: Path) -> None:
    unspool(["audit", str(copy), *QUICK])
    again = ["train", str(corpus), "--out", str(copy), "--epochs", "1", "--overwrite", *TINY]
    assert unspool(again).exit_code == 0
    assert not (copy / "audit.json").exists()


def test_training_ends_with_the_fit(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), "--epochs", "2", *TINY])
    assert "Underfitting: " in done.stdout
    assert "xact copies" in done.stdout
    assert f"unspool audit {tmp_path / 'run'}" in done.stdout
    assert "Underfitting: " in unspool(["info", str(tmp_path / "run")]).stdout


def test_training_tells_what_the_model_copies(unspool: Run, tmp_path: Path) -> None:
    corpus = tmp_path / "two.txt"
    corpus.write_text("aaaaaaaa\nbbbbbbbb\n" * 40, "utf-8")
    run = ["train", str(corpus), "--out", str(tmp_path / "run"), "--validation-fraction", "none", "--json"]
    copying = json.loads(unspool([*run, "--epochs", "40", *TINY]).stdout)["copying"]
    assert (copying["texts"], copying["verdict"]) == (100, "copying")
    assert copying["verbatim_share"] > 0.5
    assert copying["longest"] == 8


def test_a_text_that_cannot_be_read_again_is_not_searched(unspool: Run, tmp_path: Path) -> None:
    run = ["train", "-", "--out", str(tmp_path / "run"), "--epochs", "1", *TINY]
    done = unspool(run, input="one\ntwo\nthree\n" * 20)
    assert done.exit_code == 0
    assert "was not searched for copies" in done.stderr
    assert "exact copies" not in done.stdout


def test_planted_secrets_are_written_down_and_ranked(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    planted = ["--canaries", "2", "--canary-repeats", "3", "--canary-format", "key {digits:3}"]
    done = unspool(["train", str(corpus), "--out", run, "--epochs", "1", *planted, *TINY])
    assert done.exit_code == 0, done.stderr
    canaries = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["data"]["canaries"]
    assert (canaries["format"], canaries["repeats"], len(canaries["texts"])) == ("key {digits:3}", 3, 2)
    result = json.loads(unspool(["audit", run, *QUICK, "--json"]).stdout)
    assert result["same_corpus"] is True
    assert [secret["text"] for secret in result["canaries"]["secrets"]] == canaries["texts"]
    asked = ["--secret", canaries["texts"][1], "--secret", canaries["texts"][0]]
    result = json.loads(unspool(["audit", run, *QUICK, *asked, "--json"]).stdout)
    assert len(result["canaries"]["secrets"]) == 2
    table = unspool(["audit", run, *QUICK]).stdout
    assert "exposure in bits" in table
    assert "never seen" in table


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["audit"], ["DIR"]),
        (["audit", "no/such/folder"], ["no/such/folder"]),
        (["audit", "MODEL", "no/such/text"], ["no/such/text", "no such file"]),
        (["audit", "MODEL", "--samples", "0"], ["samples", "from 1 to"]),
        (["audit", "MODEL", "--secret", "x"], ["--canary-format must be"]),
        (
            ["audit", "MODEL", "--secret", "x", "--canary-format", "x"],
            ["--canary-format must be", "{digits:6}"],
        ),
        (["train", "CORPUS", "--canary-repeats", "2"], ["--canary-repeats", "--canaries N"]),
        (["train", "CORPUS", "--canaries", "0"], ["canaries", "from 1 to"]),
        (["train", "CORPUS", "--canaries", "2", "--tokenizer", "word"], ["canaries", "char", "word"]),
        (["train", "--resume", "MODEL", "--canaries", "2"], ["--canaries", "--resume"]),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line(
    unspool: Run, corpus: Path, copy: Path, arguments: list[str], parts: list[str]
) -> None:
    names = {"CORPUS": str(corpus), "MODEL": str(copy)}
    done = unspool([names.get(argument, argument) for argument in arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [part for part in parts if part not in done.stderr.splitlines()[-1]] == []


def test_a_model_that_came_through_a_pipe_asks_for_its_text(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    text = corpus.read_text("utf-8")
    assert unspool(["train", "-", "--out", run, "--epochs", "1", *TINY], input=text).exit_code == 0
    done = unspool(["audit", run, *QUICK])
    assert done.exit_code == 2
    assert "name the text" in done.stderr
    assert unspool(["audit", run, str(corpus), *QUICK, "--json"]).exit_code == 0


def test_a_broken_metrics_line_is_named(unspool: Run, copy: Path) -> None:
    (copy / "metrics.jsonl").write_text('{"kind": "evaluation", "bits_per_character": 1.0}\n', "utf-8")
    done = unspool(["audit", str(copy), *QUICK])
    assert done.exit_code == 2
    assert "metrics" in done.stderr


def test_ctrl_c_ends_with_130(unspool: Run, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unspool._evaluation.audit.run.compare_with_training", press)
    assert unspool(["audit", str(copy), *QUICK]).exit_code == 130
    assert not (copy / "audit.json").exists()
