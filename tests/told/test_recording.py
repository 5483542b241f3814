"""What errors say is compared: a message that changed fails the test that raises it, and is shown."""

import json
from pathlib import Path

import pytest

from tests.told import recording
from unspool import ConfigError

pytest_plugins = ["pytester"]


def test_messages_are_heard_once_and_without_what_changes(tmp_path: Path) -> None:
    with recording.listening() as errors:
        for name in ("a", "b", "a"):
            ConfigError(f"{tmp_path}/{name}.0a1b2c3d4e5f", got="http://127.0.0.1:4321/x", hint="try again")
        for place in ("unspool[h5py]", "/a/b[h5py]", "unspool[h5py] @ file:///a.whl"):
            ConfigError("c", hint=f'pip install -e "{place}"')
    ConfigError("nobody listens")
    assert recording.spelled(errors, tmp_path) == [
        *(f"TMP/{name}.HEX: got http://127.0.0.1:PORT/x; try again" for name in ("a", "b")),
        'c; pip install "unspool[h5py]"',
    ]


def test_each_room_has_its_messages() -> None:
    for room in recording.ROOMS:
        found = json.loads((recording.DATA / f"{room.replace('/', '-')}.json").read_text("utf-8"))
        assert found
        assert {recording.room_of(test) for test in found} == {room}
        assert all(found.values())
        assert recording.recorded(room) in (found, {})  # nothing on another Python
    assert recording.room_of("tests/cli/test_end.py::test_a") is None


CASE = """
import pytest
from unspool import ConfigError

def test_it():
    with pytest.raises(ConfigError):
        raise ConfigError("a", hint="{}")
"""


def test_a_changed_message_fails_its_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "recorded", lambda _: {"tests/hub/test_a.py::test_it": ["a; as before"]})
    pytester.makeconftest("from tests.conftest import _told")
    folder = pytester.mkpydir("tests") / "hub"
    folder.mkdir()
    for hint, outcome in (("as before", {"passed": 1}), ("now", {"passed": 1, "errors": 1})):
        (folder / "test_a.py").write_text(CASE.replace("{}", hint))
        done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "tests/hub/test_a.py")
        done.assert_outcomes(**outcome)
    done.stdout.fnmatch_lines(
        ["- a; as before", "+ a; now", "If it is meant: python -m tests.told.renew hub"]
    )
