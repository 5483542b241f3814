"""The models of a server by name: loaded when they are first asked for, and as new as their folders."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from unspool._artifacts.model_folder import MODEL
from unspool._errors import UnspoolError, shortened
from unspool._interruptible import while_wanted
from unspool._model.generator import Generator
from unspool._serving.limits import Limits
from unspool._serving.models.found import FileMark, FoundModels, mark_of
from unspool._serving.models.loaded import PACKED, Loaded
from unspool._serving.monitoring import ModelState
from unspool._serving.refusals import RefusedError

T = TypeVar("T")

SECONDS_BETWEEN = 1.0  # two looks at a folder
LOADERS = 2  # threads that look into folders and load models
WORKERS = 2  # threads that compile constraints and read texts
COLLECTORS = 8  # threads that judge texts
MOST_JOBS = 64  # that they do or that wait for them


class _Place:
    """A model by its name, loaded or not.

    Args:
        name: The name.
        folder: Its folder.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.loaded: Loaded | None = None
        self.looked = float("-inf")  # when, in seconds of the event loop
        self.looking: asyncio.Task[None] | None = None
        self.error: tuple[tuple[FileMark, ...], RefusedError] | None = None  # of a state of the folder


class Library:
    """The models of a server; its methods are called on the event loop.

    Args:
        roots: The folders of models, or with such folders in them.
        limits: The limits of the server.
        computing: The engine and the threads of each model, as `Generator.load` takes them.

    Attributes:
        jobs: Number of things that are being done, or wait, beside the event loop.
    """

    def __init__(self, roots: tuple[Path, ...], limits: Limits, **computing: Any) -> None:
        self._found, self._limits, self._computing = FoundModels(roots), limits, computing
        self._places: dict[str, _Place] = {}
        self._looked = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._loaders = ThreadPoolExecutor(LOADERS, thread_name_prefix="loader")
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="worker")
        self._collectors = ThreadPoolExecutor(COLLECTORS, thread_name_prefix="collector")
        self.jobs = 0

    async def get(self, name: str) -> Loaded:
        """Return a model, of which the caller is a user until it calls `release`.

        Args:
            name: The name of the model.

        Raises:
            RefusedError: If there is no such model, or its folder is broken.
        """
        loop = asyncio.get_running_loop()
        place = self._places.get(name)
        if place is None:
            await self._look()
            place = self._places.get(name)
            if place is None:
                raise self._unknown(name)
        if place.loaded is None or loop.time() - place.looked > SECONDS_BETWEEN:
            if place.looking is None:
                place.looking = loop.create_task(self._refresh(place))
            await asyncio.shield(place.looking)
        if place.loaded is None:
            raise self._unknown(name) if place.error is None else place.error[1]
        return place.loaded.acquire(loop.time())

    async def names(self) -> dict[str, Path]:
        """Return the folders of the models that there are now, by name."""
        await self._look()
        return {name: place.folder for name, place in self._places.items()}

    async def work(self, function: Callable[..., T], *arguments: Any, seconds: float | None = None) -> T:
        """Do something on a thread that would keep the event loop for too long.

        If nobody waits for it any more, it ends where it next calls `unspool._interruptible.check_wanted`.

        Args:
            function: What is to be done.
            *arguments: Its arguments.
            seconds: Greatest time to wait for it; None for that of a constraint.

        Raises:
            RefusedError: If too much is being done, or it takes too long.
        """
        self._check_jobs()
        seconds = self._limits.compile_seconds if seconds is None else seconds
        given_up = threading.Event()
        job = partial(while_wanted, given_up.is_set, function, *arguments)
        future = asyncio.get_running_loop().run_in_executor(self._workers, job)
        self.jobs += 1
        future.add_done_callback(self._end_job)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(future)
        except TimeoutError:
            message = f"the request must be prepared within {seconds:g} seconds; ask for something simpler"
            raise RefusedError(400, message, code="too_hard") from None
        finally:
            given_up.set()

    def collect(self, function: Callable[[], None]) -> None:
        """Judge texts on a thread.

        Args:
            function: What judges them.

        Raises:
            RefusedError: If too many requests wait for it.
        """
        self._check_jobs()
        self.jobs += 1
        future = asyncio.get_running_loop().run_in_executor(self._collectors, function)
        future.add_done_callback(self._end_job)

    def _check_jobs(self) -> None:
        if self.jobs >= MOST_JOBS:
            message = f"{self.jobs} requests are being prepared, and at most {MOST_JOBS} may; ask again later"
            raise RefusedError(429, message, code="queue_full", headers={"retry-after": "1"})

    def _end_job(self, future: "asyncio.Future[Any]") -> None:
        self.jobs -= 1
        if not future.cancelled():
            future.exception()  # which is thus seen, also where nobody waits any more

    def states(self) -> Iterator[ModelState]:
        """Yield what each loaded model does now."""
        for place in self._places.values():
            if (one := place.loaded) is not None:
                yield ModelState(name=one.name, active=one.active, waiting=one.waiting, size=one.size)

    def close(self) -> None:
        """End all that writes; requests that are not over fail."""
        for place in self._places.values():
            if place.loaded is not None:
                place.loaded.close()
        for executor in (self._loaders, self._workers, self._collectors):
            executor.shutdown(wait=False, cancel_futures=True)

    def _unknown(self, name: str) -> RefusedError:
        known = ", ".join(list(self._places)[:20]) or "none"
        message = f"there is no model {shortened(name)!r} here; expected one of: {known}"
        return RefusedError(404, message, code="model_not_found", param="model")

    async def _look(self) -> None:
        """Look into the folders, at most once a second."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked <= SECONDS_BETWEEN:
            return
        if self._looking is None:
            self._looking = loop.create_task(self._look_now())
        await asyncio.shield(self._looking)

    async def _look_now(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._loaders, self._found.look)
            for name in self._places.keys() - found.keys():
                self._unload(self._places.pop(name))
            for name, folder in found.items():
                if name not in self._places:
                    self._places[name] = _Place(name, folder)
            self._looked = loop.time()
        finally:
            self._looking = None

    async def _refresh(self, place: _Place) -> None:
        """Load a model, if it is not loaded or its folder has changed."""
        loop = asyncio.get_running_loop()
        try:
            mark = await loop.run_in_executor(self._loaders, mark_of, place.folder)
            if mark is None:
                self._unload(place)
                self._places.pop(place.name, None)
                return
            if place.loaded is not None and place.loaded.mark == mark:
                place.looked = loop.time()
                return
            if place.error is not None and place.error[0] == mark:
                return
            await self._load(place, mark)
            place.looked = loop.time()
        finally:
            place.looking = None

    async def _load(self, place: _Place, mark: tuple[FileMark, ...]) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._check_size(place)
            loaded = await loop.run_in_executor(self._loaders, self._read, place, mark)
        except RefusedError as refused:
            self._unload(place)
            place.error = mark, refused
            return
        except (UnspoolError, OSError, MemoryError) as error:
            reason = str(error).replace(str(place.folder), place.name)
            message = f"the model {place.name} cannot be loaded: {reason}"
            self._unload(place)
            place.error = mark, RefusedError(500, message, code="model_broken", param="model")
            return
        self._unload(place)
        place.loaded, place.error = loaded, None
        loaded.used = loop.time()
        self._shrink(beside=loaded)

    def _read(self, place: _Place, mark: tuple[FileMark, ...]) -> Loaded:
        model = Generator.load(place.folder, **self._computing)
        return Loaded(place.name, model, mark=mark, limits=self._limits, let_go=self._let_go)

    def _check_size(self, place: _Place) -> None:
        size, most = PACKED * (place.folder / MODEL).stat().st_size, self._limits.max_memory
        if size > most:
            message = (
                f"the model {place.name} takes {size:,} bytes of memory, and at most {most:,} may be used"
            )
            raise RefusedError(503, message, code="model_too_large", param="model")

    def _unload(self, place: _Place) -> None:
        """Put a model away; texts that are written with it finish."""
        if place.loaded is not None:
            place.loaded.retire()
            place.loaded = None

    def _shrink(self, *, beside: Loaded | None = None) -> None:
        """Put models away that nobody uses, the one that was not asked for the longest first."""
        places = [place for place in self._places.values() if place.loaded is not None]
        total = sum(place.loaded.size for place in places if place.loaded)
        idle = [place for place in places if place.loaded is not beside and not _is_used(place)]
        for place in sorted(idle, key=lambda one: one.loaded.used if one.loaded else 0.0):
            if total <= self._limits.max_memory:
                return
            total -= place.loaded.size if place.loaded else 0
            self._unload(place)

    def _let_go(self, loaded: Loaded) -> None:
        """Hear that nobody uses a model any more."""
        self._shrink(beside=loaded)


def _is_used(place: _Place) -> bool:
    return place.loaded is not None and place.loaded.is_used
