"""Which models are found, when one counts as changed, and what is kept of one that is loaded."""

import asyncio
import os
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from unspool._artifacts.belonging import NOVELTY
from unspool._errors import ConfigError
from unspool._serving.limits import Limits
from unspool._serving.models import found as finding
from unspool._serving.models import library as room
from unspool._serving.models import loaded as loading
from unspool._serving.models.found import FILES, FoundModels, mark_of, short_mark
from unspool._serving.models.library import Library
from unspool._serving.models.loaded import Loaded
from unspool._serving.refusals import RefusedError


def made(folder: Path, name: str = FILES[0]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_model_is_another_when_one_of_its_files_is(name: str, tmp_path: Path) -> None:
    assert mark_of(tmp_path) is None
    before = mark_of(made(tmp_path))
    assert before is not None
    made(tmp_path, name)
    os.utime(tmp_path / name, ns=(5, 10**18 + 7))
    after = mark_of(tmp_path)
    assert after is not None
    (changed,) = [number for number, pair in enumerate(zip(before, after, strict=True)) if len(set(pair)) > 1]
    assert FILES[changed] == name
    file = (tmp_path / name).stat()
    assert after[changed] == (10**18 + 7, 1, file.st_ino)
    ways = product((before, after), ("float32", "int8"), (True, False))
    marks = {short_mark(mark, precision, counts=counts) for mark, precision, counts in ways}
    assert [len(mark) for mark in marks] == [12] * 8


def test_a_name_stays_with_its_folder(tmp_path: Path) -> None:
    one, two, three = (made(tmp_path / place) for place in ("a/x", "b/x", "c/b/x"))
    models = FoundModels((tmp_path / "a", tmp_path / "b", tmp_path / "c" / "b", three, tmp_path / "none"))
    names = {"x": one, "b/x": two, "b/x-2": three}
    assert models.look() == names
    (one / FILES[0]).unlink()
    made(tmp_path / "b" / "y")
    assert models.look() == {"b/x": two, "y": tmp_path / "b" / "y", "b/x-2": three}
    made(one)
    assert models.look() == names | {"y": tmp_path / "b" / "y"}
    alone = FoundModels((one, two, three))
    assert alone.look() == names


def test_no_more_folders_are_looked_into_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        made(tmp_path / str(number))
    monkeypatch.setattr(finding, "MOST_FOLDERS", 3)
    assert len(FoundModels((tmp_path,)).look()) == 3


MARK = tuple((10**18 * number, 1, number) for number in range(1, len(FILES) + 1))
ARRAYS = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float32)}


def loaded(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[Loaded, list[Any]]:
    """Make a loaded model of forty bytes; return it with those who were told that nobody uses it."""
    told: list[Any] = []
    monkeypatch.setattr(loading, "own_options", lambda _: {"n": 1})
    model = SimpleNamespace(
        parameters=ARRAYS,
        encode=lambda text, unknown: [text, unknown],
        runner=SimpleNamespace(inference="int8"),
        counts=None,
        **changes,
    )
    one = Loaded("x", cast("Any", model), mark=MARK, limits=Limits(), let_go=told.append)
    return one, told


def test_a_loaded_model_knows_its_size_and_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = loaded(monkeypatch)
    assert (one.size, one.updated, one.defaults, one.used) == (80, 7 * 10**9, {"n": 1}, 0.0)
    assert one.fingerprint == short_mark(MARK, "int8", counts=False)
    assert one.has_novelty
    assert (one.active, one.waiting, one.is_used) == (0, 0, False)
    without = tuple(None if name == NOVELTY else each for name, each in zip(FILES, MARK, strict=True))
    two = Loaded("x", one.model, mark=without, limits=Limits(), let_go=print)
    assert (two.has_novelty, two.updated) == (False, 6 * 10**9)


def test_a_model_is_put_away_when_nobody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    one, told = loaded(monkeypatch)
    closed: list[str] = []
    one._batcher = cast("Any", SimpleNamespace(close=lambda: closed.append("closed"), writing=2, waiting=3))
    assert (one.active, one.waiting) == (2, 3)
    assert one.acquire(7.5) is one
    assert one.acquire(8.5).used == 8.5
    one.retire()
    one.release()
    assert (one.is_used, told, closed) == (True, [], [])
    one.release()
    assert (one.is_used, told, closed) == (False, [one], ["closed"])
    other, _ = loaded(monkeypatch)
    other._batcher = one._batcher
    other.acquire(1.0)
    other.release()
    assert closed == ["closed"], "one that is not retired goes on"
    other.retire()
    assert closed == ["closed"] * 2


def test_tokens_of_short_prompts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = loaded(monkeypatch)
    monkeypatch.setattr(loading, "MOST_PROMPTS", 2)
    short, long = "x" * 64, "x" * 65
    assert one.ids_of(short, "drop") is one.ids_of(short, "drop")
    assert one.ids_of(short, "error") == [short, "error"]
    first = one.ids_of(short, "drop")
    assert one.ids_of(long, "drop") is not one.ids_of(long, "drop")
    assert one.ids_of(short, "drop") is first
    one.ids_of("y", "drop")  # a third: all are forgotten
    assert one.ids_of(short, "drop") is not first
    assert one.ids_of("y", "drop") is one.ids_of("y", "drop")


def template(size: int | None) -> Any:
    stop = None if size is None else SimpleNamespace(transitions=np.zeros(size, np.uint8))
    return SimpleNamespace(in_ids=SimpleNamespace(stop=stop))


def test_requests_of_a_kind_are_kept_unless_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = loaded(monkeypatch)
    monkeypatch.setattr(loading, "MOST_TEMPLATES", 2)
    for key, size in (("k" * 2000, None), ("k" * 2001, None), ("a", 1 << 16), ("b", (1 << 16) + 1)):
        one.keep(key, template(size))
    assert list(one.templates) == ["k" * 2000, "a"]
    one.keep("c", template(None))
    assert list(one.templates) == ["a", "c"], "the oldest goes"


class AtOnce:
    async def work(self, function: Any) -> Any:
        return function()


def test_the_index_of_the_texts_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    index = SimpleNamespace(hashes=np.zeros(3, np.uint64), held_out=None)
    one, _ = loaded(monkeypatch, novelty_index=index)
    for _ in range(2):
        assert asyncio.run(one.novelty(AtOnce())) is index
    assert one.size == 80 + 24
    both = SimpleNamespace(hashes=np.zeros(3, np.uint64), held_out=np.zeros(1, np.uint64))
    two, _ = loaded(monkeypatch, novelty_index=both)
    asyncio.run(two.novelty(AtOnce()))
    assert two.size == 80 + 32
    none, _ = loaded(monkeypatch, novelty_index=None)
    with pytest.raises(ConfigError) as error:
        asyncio.run(none.novelty(AtOnce()))
    assert str(error.value) == "the model has no index of its training texts; train with --novelty-index"


def library(**limits: Any) -> Library:
    return Library((), Limits(**limits))


def placed(shelf: Library, name: str, size: int, used: float, *, busy: bool = False) -> Any:
    """Put a model of some size on a shelf."""
    gone: list[str] = []
    one = SimpleNamespace(size=size, used=used, is_used=busy, name=name, active=1, waiting=2,
                          retire=lambda: gone.append(name), close=lambda: gone.append("closed"))  # fmt: skip
    place = room._Place(name, Path(name))
    place.loaded = cast("Any", one)
    shelf._places[name] = place
    return gone


def test_the_models_that_were_not_asked_for_the_longest_go_first() -> None:
    shelf = library(max_memory=2048)
    gone = [placed(shelf, "a", 1024, 5.0), placed(shelf, "b", 1024, 1.0, busy=True),
            placed(shelf, "c", 1024, 3.0), placed(shelf, "d", 1024, 4.0)]  # fmt: skip
    shelf._shrink(beside=shelf._places["d"].loaded)
    assert gone == [["a"], [], ["c"], []]
    assert [name for name, place in shelf._places.items() if place.loaded] == ["b", "d"]
    gone[2] = placed(shelf, "e", 0, 0.0)
    shelf._shrink()
    assert gone[2:] == [[], []], "as much as allowed may stay"
    assert [(each.name, each.active, each.waiting, each.size) for each in shelf.states()] == [
        ("b", 1, 2, 1024), ("d", 1, 2, 1024), ("e", 1, 2, 0),
    ]  # fmt: skip
    shelf.close()
    assert gone[1:] == [["closed"], ["closed"], ["closed"]]


@pytest.mark.parametrize(("size", "fits"), [(1024, True), (1025, False)])
def test_a_model_that_no_memory_holds_is_not_loaded(size: int, fits: bool, tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_bytes(b"x" * size)
    shelf, place = library(max_memory=2048), room._Place("m", tmp_path)
    if fits:
        shelf._check_size(place)
        return
    with pytest.raises(RefusedError) as error:
        shelf._check_size(place)
    told = "the model m takes 2,050 bytes of memory, and at most 2,048 may be used"
    assert (error.value.status, error.value.message, error.value.code, error.value.param) == (
        503, told, "model_too_large", "model",
    )  # fmt: skip


def test_an_unknown_model_is_answered_with_those_that_are_there() -> None:
    shelf = library()
    assert shelf._unknown("x").message == "there is no model 'x' here; expected one of: none"
    for number in range(21):
        placed(shelf, f"m{number}", 0, 0.0)
    refused = shelf._unknown("x")
    names = ", ".join(f"m{number}" for number in range(20))
    assert refused.message == f"there is no model 'x' here; expected one of: {names}"
    assert (refused.status, refused.code, refused.param) == (404, "model_not_found", "model")


def test_no_more_is_prepared_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_JOBS", 2)
    shelf = library()
    shelf.jobs = 1
    shelf._check_jobs()
    shelf.jobs = 2
    with pytest.raises(RefusedError) as error:
        shelf._check_jobs()
    assert error.value.message == "2 requests are being prepared, and at most 2 may; ask again later"
    assert (error.value.status, error.value.code, error.value.headers) == (
        429, "queue_full", {"retry-after": "1"},
    )  # fmt: skip


def test_work_that_takes_too_long_is_told_its_limit() -> None:
    import threading

    async def main() -> None:
        shelf, over = library(compile_seconds=0.05), threading.Event()
        with pytest.raises(RefusedError) as error:
            await shelf.work(over.wait, 60)
        told = "the request must be prepared within 0.05 seconds; ask for something simpler"
        assert (error.value.status, error.value.message, error.value.code) == (400, told, "too_hard")
        assert shelf.jobs == 1
        over.set()
        assert await shelf.work(lambda one: one + 1, 2, seconds=60) == 3
        while shelf.jobs:
            await asyncio.sleep(0.001)
        shelf.close()

    asyncio.run(main())
