"""Where a model is on the Hub: ``hf://user/name``, and ``hf://user/name@revision``."""

import re
from dataclasses import dataclass
from pathlib import Path

from unspool._errors import ConfigError

SCHEME = "hf://"
PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
PLACE = re.compile(rf"(?P<repo>{PART}/{PART})(?:@(?P<revision>[^@\s]+))?")
WANTED = "hf://user/name or hf://user/name@revision"


@dataclass(frozen=True)
class HubPlace:
    """The place of a model on the Hub.

    Args:
        repo: The user or organisation and the name of the model, ``user/name``.
        revision: A branch, a tag or a commit; None for the branch "main".
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        """Return the place as a user writes it."""
        return f"{SCHEME}{self.repo}" + ("" if self.revision is None else f"@{self.revision}")


def is_hub_place(spec: str | Path) -> bool:
    """Return whether a user means a model on the Hub, and no folder."""
    return isinstance(spec, str) and spec.startswith(SCHEME)


def model_name(spec: str) -> str:
    """Return the name of a model: that of its folder, or on the Hub."""
    return hub_place(spec).repo.rpartition("/")[2] if is_hub_place(spec) else Path(spec).resolve().name


def hub_place(spec: str) -> HubPlace:
    """Read the place of a model on the Hub.

    Args:
        spec: ``hf://user/name``, also with ``@revision``; the scheme may be left out.

    Raises:
        ConfigError: If it is none.

    Example:
        >>> hub_place("hf://somebody/names@v2")
        HubPlace(repo='somebody/names', revision='v2')
    """
    match = PLACE.fullmatch(spec.removeprefix(SCHEME))
    if match is None or ".." in match["repo"] or "--" in match["repo"]:
        raise ConfigError("the place of a model on the Hub", expected=WANTED, got=repr(spec))
    return HubPlace(match["repo"], match["revision"])
