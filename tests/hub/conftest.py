"""A fake Hub for each test, a cache of its own, and a token that may write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import unspool
from tests.hub.fake_hub import Hub, running

constants = pytest.importorskip("huggingface_hub.constants")

TEXTS = [a + b for a in ("anna", "otto", "ada", "bob", "ann") for b in ("", "na", "to", "bo", "da", "bota")]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running() as hub:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", "hf_writer")
        yield hub


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "names"
    unspool.train(TEXTS, out=folder, progress=False, hidden_size=8, epochs=2, threads=1)
    return folder


@pytest.fixture(scope="session")
def files(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a saved model."""
    saved = tmp_path_factory.mktemp("saved") / "names"
    unspool.load(folder).save(saved)
    return {path.name: path.read_bytes() for path in saved.iterdir()}
