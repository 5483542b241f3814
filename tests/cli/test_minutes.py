"""``unspool train CORPUS --minutes M``: unspool chooses, says why, and saves what it chose."""

import itertools
import json
import signal
from pathlib import Path
from typing import Any

import pytest

import unspool as library
from unspool._planning import choosing
from unspool._planning.speeds import Measure

from .conftest import TEXTS, Run

MINUTES = ["--minutes", "0.05", "--threads", "1"]
POEM = "".join(f"{a}\n{b}\n\n" for a, b in itertools.pairwise(TEXTS))


@pytest.fixture(autouse=True)
def known_speeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine be one on which a network of 64 units, but no larger one, can learn enough."""
    measure: Measure = lambda networks, training, seconds: [  # noqa: E731
        5e5 if network.hidden_size <= 64 else 1.0 for network in networks
    ]
    original = choosing.plan_training
    monkeypatch.setattr(
        choosing, "plan_training", lambda records, **options: original(records, measure=measure, **options)
    )


def config(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return stored


def test_it_says_what_it_chose_and_saves_it(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = unspool(["train", str(corpus), "--out", str(out), "--json", *MINUTES])
    assert done.exit_code == 0, done.stderr
    facts = json.loads(done.stdout)
    assert "Read as a text per line" in done.stderr
    assert f"lstm {facts['network']['hidden_size']} reads" in done.stderr
    assert "threads 1" in done.stderr
    stored = config(out)
    assert stored["network"] == facts["network"]
    assert stored["training"] == facts["training"]
    assert 0 < stored["training"]["minutes"] < 0.05
    assert library.load(out).network.hidden_size == facts["network"]["hidden_size"]


@pytest.mark.parametrize(
    ("flags", "document", "said"),
    [
        ([], True, "lines are empty"),
        (["--document"], True, "as given"),
        (["--split", "sentences"], False, "use --document"),
    ],
)
def test_a_plain_text_is_read_as_it_looks_unless_it_is_told(
    unspool: Run, tmp_path: Path, flags: list[str], document: bool, said: str
) -> None:
    if "--split" in flags:
        pytest.importorskip("sentencex")
    (tmp_path / "poem.txt").write_text(POEM, "utf-8")
    out = tmp_path / "run"
    done = unspool(["train", str(tmp_path / "poem.txt"), "--out", str(out), *flags, *MINUTES])
    assert done.exit_code == 0, done.stderr
    assert said in done.stderr
    assert config(out)["data"]["document"] is document


def test_standard_input_is_read_once_and_learnt_from(unspool: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = unspool(["train", "-", "--out", str(out), *MINUTES], input="\n".join(TEXTS))
    assert done.exit_code == 0, done.stderr
    assert "separate texts" in done.stderr
    assert config(out)["data"]["records"]["source"] == "-"


def test_given_flags_are_kept(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    given = ["--cell", "gru", "--hidden-size", "9", "--batch-size", "3", "--clip-norm", "none", "--seed", "4"]
    done = unspool(["train", str(corpus), "--out", str(out), *given, *MINUTES])
    assert done.exit_code == 0, done.stderr
    stored = config(out)
    assert (stored["network"]["cell"], stored["network"]["hidden_size"]) == ("gru", 9)
    assert (stored["training"]["batch_size"], stored["training"]["clip_norm"]) == (3, None)
    assert stored["training"]["seed"] == 4


@pytest.mark.parametrize("epochs", ["1", "none"])
def test_with_epochs_nothing_is_chosen(unspool: Run, corpus: Path, tmp_path: Path, epochs: str) -> None:
    out = tmp_path / "run"
    flags = ["--epochs", epochs, "--hidden-size", "8", "--minutes", "0.01", "--threads", "1"]
    done = unspool(["train", str(corpus), "--out", str(out), *flags])
    assert done.exit_code == 0, done.stderr
    training = config(out)["training"]
    defaults = library.TrainingConfig(epochs=None if epochs == "none" else 1, minutes=0.01, threads=1)
    assert training == json.loads(json.dumps({**vars(defaults)}))
    assert "reads" not in done.stderr


def test_a_model_to_go_on_from_keeps_its_network(
    unspool: Run, model: Path, corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = unspool(["train", str(corpus), "--init-from", str(model), "--out", str(out), *MINUTES])
    assert done.exit_code == 0, done.stderr
    assert library.load(out).network.hidden_size == library.load(model).network.hidden_size


def test_a_chosen_run_goes_on_after_ctrl_c(
    unspool: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unspool._progress import choice
    from unspool._training.records import StepRecord

    poem, out = tmp_path / "poem.txt", tmp_path / "run"
    poem.write_text(POEM, "utf-8")
    plain = choice.choose_progress

    def stopping() -> Any:
        progress = plain()
        show = progress.show

        def press(record: Any) -> None:
            show(record)
            if isinstance(record, StepRecord) and record.step == 3:
                signal.raise_signal(signal.SIGINT)

        progress.show = press  # type: ignore[method-assign]
        return progress

    with monkeypatch.context() as patch:
        patch.setattr(choice, "choose_progress", stopping)
        assert unspool(["train", str(poem), "--out", str(out), *MINUTES]).exit_code == 130
    before = config(out)
    moved = poem.rename(tmp_path / "moved.txt")
    done = unspool(["train", str(moved), "--resume", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.stderr
    after = config(out)
    assert (after["network"], after["training"]) == (before["network"], before["training"])
    assert json.loads(done.stdout)["evaluation"]["step"] > 3


@pytest.mark.parametrize(
    ("flags", "match"),
    [(["--minutes", "0"], "minutes"), (["--minutes", "1", "--cell", "tube"], "cell")],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    unspool: Run, corpus: Path, tmp_path: Path, flags: list[str], match: str
) -> None:
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), *flags])
    assert done.exit_code == 2
    assert match in done.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_folder_in_use_is_refused_before_anything_is_timed(unspool: Run, corpus: Path, model: Path) -> None:
    done = unspool(["train", str(corpus), "--out", str(model), *MINUTES])
    assert done.exit_code == 2
    assert "units" not in done.stderr
    assert "already holds a run" in done.stderr
