"""Audits on demand: one at a time, none twice for one model, and what is wrong is said."""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from unspool._serving.watching import audits as module
from unspool._serving.watching.audits import NO_MODEL, Audits, audit_command
from unspool._serving.watching.stored_audit import short_audit, stored_audit

PATIENCE = 20
FOUND = {
    "sentences": ["Good fit: it is.", "Longest passage …"],
    "copying": {
        "verdict": "not copying", "verbatim_share": 0.25, "lengths": {"quantiles": [1, 2, 4, 5, 6, 7, 9]},
        "held_out_lengths": {"quantiles": [1, 2, 5, 5, 6, 7, 9]},
        "samples": [{"text": "abc", "copied": 2, "span": "ab", "before": "x", "after": "", "record": 3},
                    {"text": "abcd", "copied": 3, "span": "abc", "before": None, "after": None}, "no sample"],
    },
    "training_bits_per_character": 3.5,
    "held_out_bits_per_character": None,
}  # fmt: skip


@pytest.fixture
def run(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "tiny", tmp_path / "tiny"))


def program(code: str) -> Any:
    return lambda path: [sys.executable, "-I", "-S", "-c", code]


def finished(audits: Audits, path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while audits.look(path)["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return audits.look(path)


def test_an_audit_is_made_short() -> None:
    short = short_audit(FOUND)
    assert short["verdict"] == "not copying"
    assert (short["texts"], short["median"], short["held_out_median"]) == (2, 4, 5)
    assert [copy["span"] for copy in short["longest"]] == ["abc", "ab"]
    assert short["held_out_bits_per_character"] is None


@pytest.mark.parametrize(
    "document",
    [{}, {"copying": 7}, {"copying": {"samples": 7, "lengths": {"quantiles": [1]}, "verdict": {}}},
     {"sentences": "abc"}, {"copying": {"samples": [{"copied": "many", "text": 1e999}]}}],
)  # fmt: skip
def test_a_hostile_audit_is_made_short_too(document: dict[str, Any]) -> None:
    json.dumps(short_audit(document), allow_nan=False)


def test_a_stored_audit_is_stale_when_the_model_is_newer(run: Path) -> None:
    assert stored_audit(run) is None
    (run / "audit.json").write_text(json.dumps(FOUND))
    stored = stored_audit(run)
    assert stored is not None
    assert not stored["stale"]
    later = time.time() + 60
    os.utime(run / "model.safetensors", (later, later))
    stored = stored_audit(run)
    assert stored is not None
    assert stored["stale"]
    for broken in (b"{", b"[]", b"[" * 99_999, b"\xff"):
        (run / "audit.json").write_bytes(broken)
        assert stored_audit(run) is None


def test_an_audit_is_made_once_for_a_model(run: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    audits = Audits(command=program(f"open({str(count)!r}, 'a').write('x'); print({json.dumps(FOUND)!r})"))
    assert audits.look(run) == {"state": "none", "message": None, "audit": None}
    assert audits.start(run)["state"] in ("waiting", "running", "done")
    done = finished(audits, run)
    assert (done["state"], done["audit"]["verdict"]) == ("done", "not copying")
    assert audits.start(run)["state"] == "done"
    assert count.read_text() == "x"
    later = time.time() + 60
    os.utime(run / "model.safetensors", (later, later))
    assert audits.look(run)["state"] == "none"  # another model
    audits.start(run)
    finished(audits, run)
    assert count.read_text() == "xx"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('reading …\\nunspool: x.txt: no such file')", "unspool: x.txt: no such file"),
        ("import sys; sys.exit(3)", "the audit ended with status 3"),
        ("print('{')", "the audit ended with status 0"),
        ("import sys; sys.exit('x' * 9999)", "x" * module.LONGEST_MESSAGE),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(run: Path, code: str, message: str) -> None:
    audits = Audits(command=program(code))
    audits.start(run)
    assert finished(audits, run) == {"state": "failed", "message": message, "audit": None}


def test_without_a_model_there_is_nothing_to_audit(run: Path) -> None:
    (run / "model.safetensors").unlink()
    assert Audits().start(run) == {"state": "failed", "message": NO_MODEL, "audit": None}


def test_one_at_a_time_and_few_wait(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = tmp_path / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    code = f"{wait}\nprint({json.dumps(FOUND)!r})"
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    audits = Audits(command=program(code))
    others = [Path(shutil.copytree(run, tmp_path / name)) for name in ("second", "third")]
    audits.start(run)
    assert audits.start(others[0])["state"] == "waiting"
    assert audits.start(others[0])["state"] == "waiting"
    assert audits.start(others[1])["state"] == "none"  # too many
    gate.write_text("")
    assert [finished(audits, path)["state"] for path in (run, others[0])] == ["done", "done"]


def test_a_server_that_stops_ends_its_audits(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    stopping = threading.Event()
    audits = Audits(stopping.is_set, program("import time; time.sleep(600)"))
    audits.start(run)
    stopping.set()
    assert finished(audits, run)["state"] == "failed"


def test_the_command_takes_no_path_for_a_flag(tmp_path: Path) -> None:
    command = audit_command(Path("-x"))
    assert Path(command[4]).is_absolute()
    assert command[3] == "audit"
