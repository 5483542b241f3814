"""The fixtures of the tests of the page: two models, and a server of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporting.cases import TEXTS
from tests.serving.browser import chromium, served_page
from tests.serving.conftest import serving
from tests.serving.page.written import HOSTILE, trained
from unspool import Generator
from unspool._serving.served import Served

__all__ = ["chromium", "served_page"]


@pytest.fixture(scope="session")
def model() -> Generator:
    return trained(TEXTS)


@pytest.fixture(scope="session")
def hostile() -> Generator:
    texts = ["</script> <!-- \u202e\u2028 \"' `${x}` <b>&amp;</b>", "<img src=x onerror=alert(1)>"] * 4
    return trained(texts, tokenizer="word", hidden_size=8, novelty_index=False)


@pytest.fixture(scope="session")
def folder(model: Generator, hostile: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served")
    model.save(path / "lines")
    hostile.save(path / HOSTILE)
    return path


@pytest.fixture(scope="session")
def base(folder: Path) -> Iterator[str]:
    with serving(Served(roots=(folder,))) as running:
        yield running.address + "/"
