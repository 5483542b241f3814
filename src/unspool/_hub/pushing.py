"""Files to a model on the Hub, in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass

from unspool._errors import ConfigError
from unspool._hub.connection import hub_api
from unspool._hub.fetching import FETCHED
from unspool._hub.places import HubPlace


@dataclass(frozen=True)
class Pushed:
    """What came of a push.

    Args:
        url: The page of the model.
        commit: The commit that has the files.
        private: Whether only its owner sees it.
    """

    url: str
    commit: str
    private: bool


def license_of(place: HubPlace) -> str | None:
    """Return the licence that a model on the Hub names, or None if it names none or is not there.

    Raises:
        ConfigError: If huggingface_hub is not installed.
        ArtifactError: If the Hub does not answer.
    """
    with hub_api(place) as api:
        card = api.model_info(place.repo).card_data if api.repo_exists(place.repo) else None
        named = None if card is None else card.get("license")
        return named if isinstance(named, str) else None


def push(
    files: Mapping[str, bytes], place: HubPlace, *, private: bool = False, message: str | None = None
) -> Pushed:
    """Write files into a model on the Hub, in one commit; the model is made if it is not there.

    Files of an older model that the new one has not are removed; all else stays.

    Args:
        files: The content of each file by its name.
        place: The place of the model; its revision is a branch, which is made if it is not there.
        private: Whether only its owner is to see it.
        message: The message of the commit; None for a usual one.

    Raises:
        ConfigError: If huggingface_hub is not installed, or a model that is to be private is there in public.
        ArtifactError: If the Hub does not answer, or refuses it.
    """
    with hub_api(place) as api:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete  # noqa: PLC0415 - of an extra

        url = api.create_repo(place.repo, private=private or None, exist_ok=True)
        info = api.model_info(place.repo)
        if private and not info.private:
            hint = f"make it private on its page first: {url}"
            raise ConfigError(str(place), expected="a private model", got="one that all can see", hint=hint)
        if place.revision is not None:
            api.create_branch(place.repo, branch=place.revision, exist_ok=True)
            info = api.model_info(place.repo, revision=place.revision)
        there = {file.rfilename for file in info.siblings or ()}
        gone = sorted((there & set(FETCHED)) - files.keys())
        commit = api.create_commit(
            place.repo,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *map(CommitOperationDelete, gone),
            ],
            commit_message=message or "Upload a model of unspool",
            revision=place.revision,
        )
        return Pushed(str(url), str(commit.oid), bool(info.private))
