"""``unspool train --config FILE``: the flags by name, from a file that ``--print-config`` writes."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from unspool._cli.commands.train import GROUPS
from unspool._cli.flags.config_file import settings_of, toml_value
from unspool._network.config import NetworkConfig
from unspool._training.config import TrainingConfig

from .conftest import TINY, Run

FLAGS = ["--epochs", "2", "--clip-norm", "none", "--prompt", "oil ", "--prompt", "new ", "--temperature",
         "0.5", "--separator", "\\t", "--num-layers", "2", "--learning-rate", "1",
         "--residual", *TINY]  # fmt: skip


def content(folder: Path) -> tuple[bytes, Any]:
    return (folder / "model.safetensors").read_bytes(), json.loads(
        (folder / "config.json").read_text("utf-8")
    )


def test_a_printed_configuration_gives_the_same_model_to_the_byte(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    printed = unspool(["train", str(corpus), *FLAGS, "--print-config"])
    assert (printed.exit_code, printed.stderr) == (0, "")
    file = tmp_path / "train.toml"
    file.write_text(printed.stdout, "utf-8")
    assert unspool(["train", str(corpus), *FLAGS, "--out", str(tmp_path / "flags")]).exit_code == 0
    done = unspool(["train", str(corpus), "--config", str(file), "--out", str(tmp_path / "file")])
    assert done.exit_code == 0, done.stderr
    assert content(tmp_path / "flags") == content(tmp_path / "file")
    again = unspool(["train", "--config", str(file), "--print-config"])
    assert again.stdout == printed.stdout


def test_what_is_printed_has_every_flag_with_its_help_and_its_default(unspool: Run) -> None:
    lines = unspool(["train", "--print-config"]).stdout.splitlines()
    assert "# Passes over the corpus [10]" in lines
    assert lines[lines.index("# Passes over the corpus [10]") + 1] == "# epochs = 10"
    assert "# text, csv, tsv, jsonl, json, parquet or feather [by the file's name]" in lines
    keys = {match[1] for line in lines if (match := re.match(r"(?:# )?(\w+) =", line))}
    options = {setting.option for setting in settings_of(GROUPS).values()}
    assert keys == options >= {field.name for field in fields(TrainingConfig)}
    assert tomllib.loads("\n".join(lines)) == {}
    uncommented = "\n".join(line.removeprefix("# ") for line in lines if re.match(r"# \w+ = ", line))
    assert tomllib.loads(uncommented)["learning_rate"] == TrainingConfig().learning_rate


def test_a_flag_comes_before_the_file(unspool: Run, tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    file.write_text('epochs = 5\nhidden_size = 9\nsource = "en"\ntarget = ["de"]\nbeta1 = 0\n', "utf-8")
    printed = unspool(["train", "--config", str(file), "--epochs", "7", "--print-config", "--json"])
    expected = {"epochs": 7, "hidden_size": 9, "source_text": ["en"], "text": ["de"], "beta1": 0.0}
    assert json.loads(printed.stdout) == expected


def test_the_configuration_of_a_run_trains_another(
    unspool: Run, model: Path, corpus: Path, tmp_path: Path
) -> None:
    for place in (model, model / "config.json"):
        out = tmp_path / place.name
        flags = ["--config", str(place), "--prompt", "oil ", "--out", str(out)]
        assert unspool(["train", str(corpus), *flags]).exit_code == 0
        assert content(out)[0] == content(model)[0]
    printed = json.loads(unspool(["train", "--config", str(model), "--print-config", "--json"]).stdout)
    texts_decide = {"vocab_size", "source_vocab_size", "context_size", "start_size"}
    names = {field.name for cls in (NetworkConfig, TrainingConfig) for field in fields(cls)}  # type: ignore[arg-type]
    assert printed.keys() == names - texts_decide
    file = tmp_path / "run.toml"
    file.write_text(unspool(["train", "--config", str(model), "--print-config"]).stdout, "utf-8")
    again = json.loads(unspool(["train", "--config", str(file), "--print-config", "--json"]).stdout)
    assert again == {name: value for name, value in printed.items() if name in again}
    assert all(printed[name] is None for name in printed.keys() - again.keys())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("lr = 1", "unknown key 'lr'; it is 'learning_rate' here"),
        ("hiden_size = 1", "unknown key 'hiden_size'; did you mean 'hidden_size'?"),
        ('epochs = "five"', "epochs must be a whole number ≥ 1, or none; got 'five'"),
        ("epochs = 0", "epochs must be a whole number ≥ 1, or none; got 0"),
        ("residual = 1", "residual must be true or false; got 1"),
        ('cell = "rnnn"', "cell must be one of "),
        ('prompt = ["a", 3]', "prompt must be a string; got 3"),
        ("canaries = 1.5", "canaries must be a whole number; got 1.5"),
        ('text = "a"\ntarget = "b"', "target and another name of it are given"),
        ("epochs = \n", "expected TOML, got Invalid value (at line 1, column 10)"),
        ("epochs = 1\nepochs = 2\n", "expected TOML, got Cannot overwrite a value (at line 2"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_file(
    unspool: Run, corpus: Path, tmp_path: Path, text: str, answer: str
) -> None:
    file = tmp_path / "train.toml"
    file.write_text(text, "utf-8")
    done = unspool(["train", str(corpus), "--config", str(file), "--out", str(tmp_path / "run")])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert f"{file}: {answer}" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_none_is_refused(unspool: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'prompt = "\xe9"')
    (tmp_path / "other.json").write_text("{}", "utf-8")
    answers = {
        "none.toml": "No such file",
        "latin.toml": "expected TOML",
        "other.json": "format_version",
        ".": "cannot read",
    }
    for name, answer in {**answers, ".": "cannot read"}.items():
        done = unspool(["train", "x", "--config", str(tmp_path / name)])
        assert done.exit_code == 2
        assert answer in done.stderr


@pytest.mark.parametrize("value", ["", 'a "b" \\ \t\n\r\x00\x1f\x7f', "é 🎈 \u2028", ["a", "b"], [], 3, -1.5,
                                   1e-7, 1e300, True, False, [0, 1]])  # fmt: skip
def test_a_value_comes_back_from_toml_as_it_was(value: Any) -> None:
    assert tomllib.loads(f"key = {toml_value(value)}") == {"key": value}
