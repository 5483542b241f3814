"""The one door to huggingface_hub: imported when it is needed, quiet, its errors in our words."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unspool._errors import ArtifactError, ConfigError
from unspool._extras import install_command
from unspool._hub.places import HubPlace

TOKEN = "log in: hf auth login, or set HF_TOKEN"


class HubUnreachableError(ArtifactError):
    """The Hub does not answer, or is not to be asked."""


def check_installed() -> None:
    """Refuse to go on without huggingface_hub.

    Raises:
        ConfigError: If it is not installed.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        what = "models on the Hub need the package huggingface_hub, which is not installed"
        raise ConfigError(what, hint=install_command("hub"))


@contextmanager
def hub_api(place: HubPlace) -> Iterator[Any]:
    """Open the Hub, as HF_ENDPOINT and HF_TOKEN say.

    Args:
        place: The place of the model that it is asked about, for messages.

    Yields:
        The `HfApi` of huggingface_hub.

    Raises:
        ConfigError: If huggingface_hub is not installed.
        HubUnreachableError: If the Hub does not answer.
        ArtifactError: If it refuses what it is asked for.
    """
    check_installed()
    from httpx import HTTPError, TransportError  # noqa: PLC0415 - they come with the extra
    from huggingface_hub import HfApi  # noqa: PLC0415
    from huggingface_hub.errors import (  # noqa: PLC0415
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    api = HfApi(library_name="unspool")
    try:
        with _quiet(), _unwrapped():
            yield api
    except OfflineModeIsEnabled:
        hint = "unset HF_HUB_OFFLINE to ask it"
        raise HubUnreachableError(
            f"{place}: the Hub is not asked, since HF_HUB_OFFLINE is set", hint=hint
        ) from None
    except HfHubHTTPError as error:
        raise _refusal(place, error) from None
    except (TransportError, LocalEntryNotFoundError) as error:
        hint = "check the network, and HF_ENDPOINT if it is set"
        got = str(error.__cause__ or error).partition("\n")[0] or type(error).__name__
        raise HubUnreachableError(f"{place}: cannot reach {api.endpoint}", got=got, hint=hint) from None
    except HTTPError as error:
        raise ArtifactError(f"{place}: {api.endpoint} answered nonsense", got=str(error)) from None


def _refusal(place: HubPlace, error: Any) -> ArtifactError:
    """Return what the Hub refuses, in words."""
    from huggingface_hub.errors import (  # noqa: PLC0415
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    code = getattr(error.response, "status_code", None)
    if isinstance(error, RevisionNotFoundError):
        hint = "see the branches and tags of the model on the Hub"
        return ArtifactError(f"{place}: the model has no revision {place.revision or 'main'}", hint=hint)
    if isinstance(error, EntryNotFoundError):
        return ArtifactError(f"{place}: the Hub has not all files of the model", hint="load it again")
    if isinstance(error, GatedRepoError):
        hint = f"ask for access on its page, and {TOKEN}"
        return ArtifactError(f"{place}: its owner has to give you access", hint=hint)
    if isinstance(error, RepositoryNotFoundError):
        what = f"{place}: there is no such model, or it is private and not yours"
        return ArtifactError(what, hint=f"check the name; for a private one {TOKEN}")
    if code in (401, 403):
        hint = f"{TOKEN} with a token that may do it"
        return ArtifactError(f"{place}: the Hub does not allow it ({code})", got=_said(error), hint=hint)
    broken = code is None or code >= 500 or code == 429
    kind, later = (HubUnreachableError, "try again later") if broken else (ArtifactError, None)
    return kind(f"{place}: the Hub answered with error {code}", got=_said(error), hint=later)


def _said(error: Any) -> str | None:
    """Return what the server said, on one line."""
    return " ".join(str(getattr(error, "server_message", None) or "").split()) or None


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise the reason of an upload that failed, which comes in a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the progress bars and the log of huggingface_hub off the screen."""
    from huggingface_hub.utils import (  # noqa: PLC0415
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    level, shown = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            enable_progress_bars()
