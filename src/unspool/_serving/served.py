"""What a server has: its models, its limits, and where its runs are."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unspool._serving.limits import Limits
from unspool._serving.models.library import Library
from unspool._serving.monitoring import Metrics
from unspool._serving.texts.asking import Asking


@dataclass(kw_only=True)
class Served:
    """What a server has; every handler gets it.

    Args:
        roots: The folders that were named when it was started.
        limits: Its limits.
        keys: Hashes of the keys that open it (see `unspool._serving.guarding.hash_of`); none for no key.
        allowed_hosts: Further names by which clients may call it, beside "localhost" and addresses.
        is_local: Whether only this machine can reach it.
        log: Whether each request is written to standard error.
        library: The models.
        asking: What reads requests for texts.
        computing: The engine and the threads of each model, as `Generator.load` takes them.
        runs: The runs that can be watched.
        trainings: The trainings that the page has started.
        metrics: What is counted.
        token: The token of the page, without which nothing is changed.
        closing: Set when the server stops, for whoever waits.
        writing: Number of requests that are being answered with texts.
    """

    roots: tuple[Path, ...]
    limits: Limits = field(default_factory=Limits)
    keys: tuple[bytes, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()
    is_local: bool = True
    log: bool = False
    library: Library = field(init=False)
    asking: Asking = field(init=False)
    computing: dict[str, Any] = field(default_factory=dict)
    runs: Any = None
    trainings: Any = None
    metrics: Metrics = field(default_factory=Metrics)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    writing: int = 0

    def __post_init__(self) -> None:
        """Make the library, which loads nothing before it is asked for."""
        self.library = Library(self.roots, self.limits, **self.computing)
        self.asking = Asking(self.limits)
        self.metrics.states = self.library.states

    @property
    def is_stopping(self) -> bool:
        """Whether the server stops: running texts finish, and new requests are refused."""
        return self.closing.is_set()
