"""The library: models found under stable names, loaded once, put away, reloaded, and broken alone."""

import asyncio
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serving.texts.company import CHARS, made
from unspool._interruptible import GivenUpError, check_wanted
from unspool._model.generator import Generator
from unspool._serving.limits import Limits
from unspool._serving.models import library as module
from unspool._serving.models.found import FoundModels
from unspool._serving.models.library import Library
from unspool._serving.refusals import RefusedError

SIZE = 2 * sum(array.nbytes for array in made(CHARS, 1).parameters.values())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a few models."""
    folder = tmp_path_factory.mktemp("folders")
    for number, name in enumerate(("one", "two", "three")):
        made(CHARS, number).save(folder / "runs" / name)
    made(CHARS, 9).save(folder / "more" / "one")
    (folder / "runs" / "empty").mkdir()
    return folder


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at folders each time."""
    monkeypatch.setattr(module, "SECONDS_BETWEEN", -1.0)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down what is loaded."""
    names: list[str] = []
    load = Generator.load

    def noted(folder: Path, **computing: Any) -> Generator:
        names.append(folder.name)
        return load(folder, **computing)

    monkeypatch.setattr(Generator, "load", noted)
    return names


def use(roots: tuple[Path, ...], test: Callable[[Library], Awaitable[None]], **limits: Any) -> None:
    """Run a test with a library, in a loop of its own."""

    async def run() -> None:
        library = Library(roots, Limits(**limits))
        try:
            await test(library)
        finally:
            library.close()

    asyncio.run(run())


def test_names_are_those_of_folders_and_stay(folders: Path, tmp_path: Path) -> None:
    found = FoundModels((folders / "runs", folders / "more" / "one"))
    names = found.look()
    assert list(names) == ["one", "three", "two", "more/one"]
    assert names["more/one"] == folders / "more" / "one"
    root = tmp_path / "runs"
    shutil.copytree(folders / "runs", root)
    found = FoundModels((folders / "more", root))
    assert found.look()["runs/one"] == root / "one"
    shutil.rmtree(root / "two")
    shutil.copytree(root / "three", root / "four")
    assert list(found.look()) == ["one", "four", "runs/one", "three"]


def test_a_model_is_loaded_once_for_all_who_ask_first(folders: Path, loads: list[str]) -> None:
    async def test(library: Library) -> None:
        loaded = await asyncio.gather(*(library.get("one") for _ in range(8)))
        assert len(set(loaded)) == 1
        assert loads == ["one"]
        await library.get("two")
        assert loads == ["one", "two"]

    use((folders / "runs",), test)


@pytest.mark.usefixtures("looks")
def test_the_model_that_was_used_longest_ago_goes_first_but_none_that_is_used(
    folders: Path, loads: list[str]
) -> None:
    async def test(library: Library) -> None:
        one = await library.get("one")  # it stays in use
        (await library.get("two")).release()
        (await library.get("three")).release()
        assert {state.name for state in library.states()} == {"one", "three"}
        assert await library.get("one") is one
        one.release()
        one.release()
        (await library.get("three")).release()
        (await library.get("two")).release()
        assert {state.name for state in library.states()} == {"two", "three"}
        assert loads == ["one", "two", "three", "two"]

    use((folders / "runs",), test, max_memory=2 * SIZE + 1000)


def test_a_model_beyond_the_memory_is_refused_with_the_number(folders: Path) -> None:
    async def test(library: Library) -> None:
        with pytest.raises(RefusedError, match="at most 1,024 may be used") as refused:
            await library.get("one")
        assert refused.value.status == 503

    use((folders / "runs",), test, max_memory=1024)


@pytest.mark.usefixtures("looks")
def test_a_folder_that_changes_is_read_anew_and_texts_of_the_old_one_finish(
    folders: Path, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    shutil.copytree(folders / "runs", root)

    async def test(library: Library) -> None:
        old = await library.get("one")
        batcher = old.batcher
        made(CHARS, 77).save(root / "one")
        new = await library.get("one")
        assert new is not old
        assert new.fingerprint != old.fingerprint
        assert not batcher.is_closed
        old.release()
        assert batcher.is_closed
        assert await library.get("one") is new

    use((root,), test)


@pytest.mark.usefixtures("looks")
def test_a_broken_folder_is_an_error_of_its_own_name_alone(
    folders: Path, tmp_path: Path, loads: list[str]
) -> None:
    root = tmp_path / "runs"
    shutil.copytree(folders / "runs", root)
    (root / "one" / "config.json").write_text("{")

    async def test(library: Library) -> None:
        for _ in range(2):
            with pytest.raises(RefusedError, match="the model one cannot be loaded") as refused:
                await library.get("one")
            assert (refused.value.status, refused.value.code) == (500, "model_broken")
            assert str(root) not in refused.value.message
        assert loads == ["one"]  # not again before the folder changes
        await library.get("two")
        shutil.copy(folders / "runs" / "one" / "config.json", root / "one" / "config.json")
        await library.get("one")

    use((root,), test)


@pytest.mark.usefixtures("looks")
def test_models_come_and_go_with_their_folders(folders: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()

    async def test(library: Library) -> None:
        with pytest.raises(RefusedError, match="expected one of: none") as refused:
            await library.get("one")
        assert (refused.value.status, refused.value.code) == (404, "model_not_found")
        shutil.copytree(folders / "runs" / "one", root / "one")
        (await library.get("one")).release()
        assert list(await library.names()) == ["one"]
        shutil.rmtree(root / "one")
        with pytest.raises(RefusedError, match="there is no model 'one'"):
            await library.get("one")
        assert list(library.states()) == []

    use((root,), test)


@pytest.mark.parametrize("how", ["too late", "gone"])
def test_work_that_nobody_waits_for_gives_its_thread_back(folders: Path, how: str) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless() -> None:
        begun.set()
        try:
            while True:
                check_wanted()
        except GivenUpError:
            ended.set()
            raise

    async def test(library: Library) -> None:
        work = asyncio.create_task(library.work(endless, seconds=0.02 if how == "too late" else 60))
        assert await asyncio.to_thread(begun.wait, 20)
        if how == "gone":
            work.cancel()
        with pytest.raises(RefusedError if how == "too late" else asyncio.CancelledError):
            await work
        assert await asyncio.to_thread(ended.wait, 20)
        while library.jobs:
            await asyncio.sleep(0.001)

    use((folders,), test)
