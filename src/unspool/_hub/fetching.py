"""A model from the Hub: its files alone, into the cache of huggingface_hub; nothing of it is executed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unspool._artifacts.belonging import COUNTS, NOVELTY
from unspool._artifacts.model_folder import (
    CONFIG,
    GENERATION,
    MODEL,
    MOST_OF_TOKENIZER,
    SOURCE_TOKENIZER,
    TOKENIZER,
    config_of,
    read_content,
)
from unspool._artifacts.tensor_files import LARGEST_HEADER
from unspool._errors import ArtifactError, warn_user
from unspool._hub.connection import HubUnreachableError, hub_api
from unspool._hub.places import HubPlace, hub_place, is_hub_place
from unspool._json_files import MOST_BYTES
from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._storage import path_of

METRICS = "metrics.jsonl"
NEEDED = (CONFIG, TOKENIZER, MODEL)
FETCHED = (*NEEDED, SOURCE_TOKENIZER, GENERATION, METRICS, COUNTS, NOVELTY)
MOST_OF_BESIDE = 1 << 30  # bytes of counts, or of the index of the training texts
TRAIN_ONE = "unspool loads what unspool push has written there"


def model_folder(spec: str | Path) -> Path:
    """Return the folder of a model, which is fetched first if it is on the Hub.

    Args:
        spec: A folder, or ``hf://user/name``, also with ``@revision``.

    Raises:
        ConfigError: If the place is misspelled, or huggingface_hub is not installed.
        ArtifactError: If the model cannot be fetched, or there is no model of unspool.
    """
    return fetch(hub_place(str(spec))) if is_hub_place(spec) else path_of("folder", spec)


def fetch(place: HubPlace) -> Path:
    """Bring the files of a model into the cache, as far as they are not there.

    Without a network the copy that was fetched last is taken, and a warning says so.

    Args:
        place: The place of the model.

    Returns:
        The folder in the cache, of one commit.

    Raises:
        ConfigError: If huggingface_hub is not installed.
        ArtifactError: If the model cannot be fetched, or there is no model of unspool.
    """
    try:
        with hub_api(place) as api:
            info = api.model_info(place.repo, revision=place.revision, files_metadata=True)
            sizes = {file.rfilename: file.size for file in info.siblings or ()}
            _check_names(place, sizes)
            config = Path(api.hf_hub_download(place.repo, CONFIG, revision=place.revision))
            _check_sizes(place, sizes, _network_in(place, config))
            for name in FETCHED:
                if name in sizes:
                    api.hf_hub_download(place.repo, name, revision=config.parent.name)
            return config.parent
    except HubUnreachableError as unreachable:
        folder = cached(place)
        if folder is None:
            raise
        message = f"{unreachable.what}: {folder.name[:12]}, fetched earlier, is taken from the cache"
        warn_user(message, UserWarning)
        return folder
    except OSError as error:
        got = error.strerror or str(error)
        raise ArtifactError(
            f"{place}: cannot store the model", expected="room in the cache", got=got
        ) from None


def cached(place: HubPlace) -> Path | None:
    """Return the folder in the cache of the model that was fetched last, or None."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - of an extra

    found = [try_to_load_from_cache(place.repo, name, revision=place.revision) for name in NEEDED]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(NEEDED) else None


def _check_names(place: HubPlace, sizes: Mapping[str, Any]) -> None:
    """Refuse what has not the files of a model, before anything is fetched."""
    missing = [name for name in NEEDED if name not in sizes]
    if missing:
        got = f"no {' and no '.join(missing)}"
        what = f"{place} is no model of unspool"
        raise ArtifactError(what, expected=f"the files {', '.join(NEEDED)}", got=got, hint=TRAIN_ONE)
    _check_size(place, CONFIG, sizes[CONFIG], MOST_BYTES)


def _network_in(place: HubPlace, path: Path) -> NetworkConfig:
    """Return the network in config.json, which other libraries have too."""
    values = read_content(path)
    if not {"format_version", "network"} <= values.keys():
        what, got = f"{place} is no model of unspool", f"a {CONFIG} of another library"
        raise ArtifactError(
            what, expected=f"{CONFIG} with format_version and network", got=got, hint=TRAIN_ONE
        )
    return config_of(values, where=f"{place}: {CONFIG}").network


def _check_sizes(place: HubPlace, sizes: Mapping[str, Any], network: NetworkConfig) -> None:
    """Refuse files that are larger than the model can be, before they are fetched."""
    for name in (TOKENIZER, SOURCE_TOKENIZER, GENERATION, METRICS):
        _check_size(place, name, sizes.get(name), MOST_OF_TOKENIZER if "tokenizer" in name else MOST_BYTES)
    for name in (COUNTS, NOVELTY):
        _check_size(place, name, sizes.get(name), MOST_OF_BESIDE)
    _check_size(place, MODEL, sizes[MODEL], 4 * count_parameters(network) + LARGEST_HEADER)


def _check_size(place: HubPlace, name: str, size: int | None, most: int) -> None:
    if size is not None and size > most:
        raise ArtifactError(f"{place}: {name}", expected=f"at most {most:,} bytes", got=f"{size:,}")
