"""Whether this process is one of several that train together, as `torchrun` starts them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unspool._errors import ConfigError, UnspoolError
from unspool._extras import install_command
from unspool._system import available_processors

if TYPE_CHECKING:
    from unspool._training.stepping.torch_ranks import Ranks

NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun says to each process
Work = TypeVar("Work")
_JOINED: list["Ranks"] = []


def several() -> bool:
    """Return whether this process was started as one of several."""
    return all(name in os.environ for name in NAMES) and os.environ["WORLD_SIZE"] not in ("", "1")


def follows() -> bool:
    """Return whether this process follows another one, which writes and shows everything."""
    return several() and os.environ["RANK"] != "0"


def own_processors() -> int | None:
    """Return the number of processors for each process on this machine; None if this one is alone."""
    if not several():
        return None
    return max(1, available_processors() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def leader_first(work: Callable[[], Work]) -> Work:
    """Do a piece of work here, or in the leader first, and then in the others, which find what it cached."""
    ranks = joined()
    result: Work = work() if ranks is None else ranks.leader_first(work)
    return result


def joined() -> "Ranks | None":
    """Join the other processes, once; None if this process is alone.

    Raises:
        ConfigError: If PyTorch, which connects them, is not installed.
        UnspoolError: If the others cannot be reached.
    """
    if not _JOINED and several():
        try:
            from unspool._training.stepping.torch_ranks import Ranks  # noqa: PLC0415 - where it is installed alone
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            hint = install_command("torch")
            raise ConfigError("several processes need the package torch", hint=hint) from None
        _JOINED.append(Ranks())
    return _JOINED[0] if _JOINED else None


@contextmanager
def said_once() -> Iterator[None]:
    """Keep what goes wrong in several processes to one of them, and end the others quietly.

    Raises:
        UnspoolError: In the process that says it.
        SystemExit: In the others.
    """
    try:
        ranks = joined()
    except UnspoolError:
        if follows():
            raise SystemExit(2) from None
        raise
    if ranks is None:
        yield
        return
    try:
        with _quiet() if follows() else nullcontext():
            yield
    except UnspoolError as error:
        of_all = not ranks.agreed
        if of_all:
            ranks.agree(error)
        if not (ranks.leads if of_all else ranks.says(error)):
            ranks.wait_for_the_end_of_the_leader()  # torchrun ends all processes once one has failed
            if follows():
                os._exit(2)  # it has nothing to save, and threads of gloo, which a usual end would abort
            raise SystemExit(2) from None
        raise
    _JOINED.clear()
    ranks.leave()


@contextmanager
def _quiet() -> Iterator[None]:
    """Write what is printed nowhere."""
    with (
        Path(os.devnull).open("w", encoding="utf-8", newline="\n") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield
