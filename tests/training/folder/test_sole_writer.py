"""Whether a training is at work in a folder, and the question does no harm."""

import os
import threading
from pathlib import Path

import pytest

from unspool._errors import ArtifactError
from unspool._system import lock, open_folder_to_lock
from unspool._training.folder import sole_writer as module
from unspool._training.folder.sole_writer import is_at_work, sole_writer


def test_a_folder_is_at_work_while_it_is_locked(tmp_path: Path) -> None:
    assert is_at_work(tmp_path) is False
    with sole_writer(tmp_path):
        assert is_at_work(tmp_path) is True
        assert is_at_work(tmp_path) is True  # the question has not taken the lock
        with pytest.raises(ArtifactError, match="another training"), sole_writer(tmp_path):
            pass
    assert is_at_work(tmp_path) is False


def test_nothing_is_said_of_what_cannot_be_opened(tmp_path: Path) -> None:
    assert is_at_work(tmp_path / "gone") is None


def test_where_there_are_no_locks_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, *, wait: bool) -> bool:
        raise OSError("no locks here")

    monkeypatch.setattr(module, "lock", refuse)
    assert is_at_work(tmp_path) is None


def test_a_training_begins_while_somebody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor, waits = open_folder_to_lock(tmp_path), threading.Event()
    assert lock(descriptor, wait=False)
    real = lock

    def first_refused(number: int, *, wait: bool) -> bool:
        locked = real(number, wait=wait)
        if not locked and not waits.is_set():
            waits.set()
            os.close(descriptor)  # whoever asked goes
        return locked

    monkeypatch.setattr(module, "lock", first_refused)
    with sole_writer(tmp_path):
        assert waits.is_set()
