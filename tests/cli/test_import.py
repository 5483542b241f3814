"""``unspool import``: a folder that every command reads, what it says, and exit code 2 with one line."""

import json
from pathlib import Path

import pytest

from .conftest import Run, state_dictionary


def test_it_makes_a_folder_that_other_commands_read(tmp_path: Path, unspool: Run) -> None:
    places = {name: str(path) for name, path in state_dictionary(tmp_path).items()}
    out = str(tmp_path / "new")
    done = unspool(["import", places["STATE"], "--tokenizer", places["SYMBOLS"], "--out", out])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [
        "found        a state dictionary of PyTorch",
        "network      1 × lstm of 4 units, 164 parameters",
        "symbols      4 (char)",
        "begins with  '<eos>'",
        "ends with    '<eos>'",
    ]
    for command in (["sample", out, "--n", "2", "--seed", "1"], ["info", out], ["score", out, "-"]):
        assert unspool(command, input="ab\n").exit_code == 0
    done = unspool(["import", places["STATE"], "--tokenizer", places["SYMBOLS"], "--out", out])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "expected a new folder, got one with files in it" in done.stderr
    flags = ["--overwrite", "--json", "--begin", "a", "--end", "none"]
    done = unspool(["import", places["STATE"], "--tokenizer", places["SYMBOLS"], "--out", out, *flags])
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["found"], said["begins"], said["num_parameters"]) == ("state", "'a'", 164)
    assert said["ends"].startswith("nothing")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--out says where the model shall be"),
        (["--out", "new"], "--tokenizer says which symbols the 3 ids of the network are"),
        (["--out", "new", "--tokenizer", "none.json"], "cannot read none.json"),
        (["--out", "new", "--tokenizer", "SYMBOLS", "--begin", "z"], "begin must be a symbol of the network"),
    ],
)
def test_what_is_missing_is_one_line_and_nothing_is_written(
    flags: list[str], message: str, tmp_path: Path, unspool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {name: str(path) for name, path in state_dictionary(tmp_path).items()}
    done = unspool(["import", places["STATE"], *(places.get(flag, flag) for flag in flags)])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
    assert not (tmp_path / "new").exists()
