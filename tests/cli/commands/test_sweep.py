"""``unspool sweep`` as a user meets it: flags of several values, the table, the sentence, the command."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from unspool import SweepConfig
from unspool._cli.commands.sweep import Running
from unspool._cli.flags.shared import NETWORK, TRAINING
from unspool._cli.flags.sweeping import BUDGET, PLACE, TRYING
from unspool._sweeping import results
from unspool._sweeping.space import PARAMETERS

SHORT = ["--symbols-per-trial", "1000", "--evaluations", "2", "--sequence-length", "16", "--threads", "1"]
SMALL = ["--batch-size", "4", "--learning-rate", "0.02", "--hidden-size", "4"]
QUICK = ["--cell", "lstm", "gru", *SMALL, "--seeds", "2", *SHORT]


def test_it_ends_with_a_table_a_sentence_and_a_command_that_works(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    done = unspool(["sweep", str(corpus), *QUICK, "--out", str(tmp_path / "s")])
    assert done.exit_code == 0, done.stderr
    assert "2 configurations × 2 seeds, 1,000 symbols each" in done.stderr
    assert "0 to do" in done.stderr
    table, sentence, command, files = done.stdout.strip().split("\n\n")
    assert [line.split("\t")[0] for line in table.splitlines()] in (
        ["cell", "lstm", "gru"], ["cell", "gru", "lstm"]
    )  # fmt: skip
    assert re.match(r"(Lowest|Best for this text): (lstm|gru), 4 units with ", sentence)
    assert "sweep.svg" in files
    words = shlex.split(command.splitlines()[1])
    best = table.splitlines()[1].split("\t")[0]
    assert words[:3] == ["unspool", "train", str(corpus)]
    assert words[words.index("--cell") + 1] == best
    assert words[words.index("--sequence-length") + 1] == "16"
    trained = unspool([*words[1:-1], str(tmp_path / "best"), "--epochs", "1"])
    assert trained.exit_code == 0, trained.stderr

    again = unspool(["sweep", str(corpus), *QUICK, "--out", str(tmp_path / "s"), "--json"])
    assert "4 trainings done already, at most 0 to do" in again.stderr
    document = json.loads(again.stdout)
    assert document["verdict"] == sentence
    assert document["train"] == shlex.join(words)
    assert [len(each["runs"]) for each in document["configurations"]] == [2, 2]


def test_a_line_says_how_each_training_ended(capsys: pytest.CaptureFixture[str]) -> None:
    config = SweepConfig(cell=("gru",), hidden_size=(4, 8), learning_rate=(0.02,))
    chosen = {"cell": "gru", "hidden_size": 4, "num_layers": 1, "learning_rate": 0.02}
    tell = Running(config)
    curve = ((0.5, 2.5), (1.0, 2.75))
    tell(results.Run(number=0, configuration=chosen, seed=1, state="complete", curve=curve), 3)
    tell(results.Run(number=1, configuration=chosen, seed=0, state="diverged", message="no finite loss"), 2)
    assert capsys.readouterr().err.splitlines() == [
        "gru, 4 units, seed 1: 2.5000 bits/character, complete; 3 to do",
        "gru, 4 units, seed 0: not measured, diverged (no finite loss); 2 to do",
    ]


def test_the_best_is_trained_in_full(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    best = tmp_path / "best"
    line = [
        "sweep",
        str(corpus),
        *SHORT,
        *SMALL,
        "--cell",
        "gru",
        "--seeds",
        "1",
        "--out",
        str(tmp_path / "s"),
    ]
    done = unspool([*line, "--train-best", str(best)])
    assert done.exit_code == 0, done.stderr
    assert json.loads((best / "config.json").read_text("utf-8"))["network"]["hidden_size"] == 4
    refused = unspool([*line, "--train-best", str(best)])
    assert refused.exit_code == 2
    assert "already holds a run" in refused.stderr
    piped = unspool(["sweep", "-", *QUICK, "--train-best", str(tmp_path / "x")], input="a\n")
    assert piped.exit_code == 2
    assert "--train-best" in piped.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--hidden-size", "64..128"], "with trials"),
        (["--hidden-size", "big"], "--hidden-size"),
        (["--cell", "lstm", "transformer"], "rnn, lstm, gru"),
        (["--pruner", "best"], "median, halving"),
        (["--minutes-per-trial", "1"], "--minutes-per-trial and --symbols-per-trial"),
        (["--workers", "0"], "workers"),
        (["--storage", "nosuch://host/db"], "database"),
        (["--learning-rate", "0.1..0.01", "--trials", "3"], "--learning-rate must be"),
        (["--cell"], "--cell"),
    ],
)
def test_bad_input_is_one_line(
    unspool: Run, corpus: Path, tmp_path: Path, flags: list[str], said: str
) -> None:
    done = unspool(["sweep", str(corpus), *SHORT, "--out", str(tmp_path / "s"), *flags])
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()[-1]


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(corpus: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "unspool", "sweep", str(corpus), *QUICK, "--out", str(tmp_path / "s")]
    endless = [*line, "--symbols-per-trial", "1000000000000"]
    process = subprocess.Popen(endless, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    while "to do" not in process.stderr.readline():
        pass
    time.sleep(0.3)  # a moment later something runs; nothing depends on it
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Repeat the command to continue" in rest
    assert "Traceback" not in rest
    assert not children(process.pid)


def children(pid: int) -> list[str]:
    """List the processes that a process started, by their environment or their parent, still alive."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid and folder.name != str(os.getpid()):
            found.append(line)
    return found


def test_the_flags_of_values_are_the_parameters_and_no_group_has_those_of_another() -> None:
    assert [flag.name for flag in TRYING.flags] == list(PARAMETERS)
    shared = {flag.name for group in (NETWORK, TRAINING) for flag in group.flags}
    assert not shared & {flag.name for group in (BUDGET, PLACE) for flag in group.flags}


def test_variables_hold_several_values(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPOOL_HIDDEN_SIZE", "4 six")
    line = ["sweep", str(corpus), "--out", str(tmp_path / "s")]
    assert "'six'" in unspool(line).stderr
