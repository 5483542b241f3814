"""The few calls of Ray that a sweep makes, on objects of this process: what they do, not where."""

from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """The base of Ray's errors."""


class Actor:
    """An object whose methods are called by ``method.remote(...)``."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._dead = False

    def die(self) -> None:
        self._dead = True

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *arguments: Reference(self, name, arguments))


class Reference:
    """What a call will give; it is computed when it is asked for."""

    def __init__(self, actor: Actor, name: str, arguments: tuple[Any, ...]) -> None:
        self.actor, self.name, self.arguments = actor, name, arguments

    def value(self) -> Any:
        if self.actor._dead:
            raise RayError("the actor died")
        return getattr(self.actor._made, self.name)(*self.arguments)


class Ray:
    """Stand for the module."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self) -> None:
        self._there = False

    def is_initialized(self) -> bool:
        return self._there

    def init(self, *, address: str, **_options: Any) -> None:
        if address != "local":
            raise ConnectionError(f"no cluster at {address}")
        self._there = True

    def shutdown(self) -> None:
        self._there = False

    def put(self, value: Any) -> Any:
        return value

    def remote(self, kind: Any) -> Any:
        made = SimpleNamespace(remote=lambda *arguments: Actor(kind(*arguments)))
        return SimpleNamespace(options=lambda **_options: made)

    def wait(self, awaited: list[Any], *, num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return awaited[:num_returns], awaited[num_returns:]

    def get(self, reference: Any) -> Any:
        return reference.value()

    def kill(self, actor: Actor) -> None:
        actor.die()
