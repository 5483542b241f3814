"""What is kept of requests between them: what is small, and no more than so much."""

import random
from pathlib import Path

import pytest

import unspool
from unspool._generation.requests import Request
from unspool._model.writing import prepare
from unspool._serving.limits import Limits
from unspool._serving.models.loaded import MOST_TEMPLATES, Loaded


@pytest.fixture
def loaded(models: Path) -> Loaded:
    model = unspool.load(models / "tiny", threads=1)
    return Loaded("tiny", model, mark=((1, 1, 1),), limits=Limits(), let_go=lambda _: None)


def template(loaded: Loaded, *stop: str) -> Request:
    options = unspool.GenerationOptions(stop=stop or None)
    return prepare(loaded.model, "", options, unknown="error", state=None, constraint=None)


def test_only_so_many_templates_are_kept_the_latest_ones(loaded: Loaded) -> None:
    one = template(loaded)
    for i in range(MOST_TEMPLATES + 2):
        loaded.keep(str(i), one)
    assert list(loaded.templates) == [str(i) for i in range(2, MOST_TEMPLATES + 2)]


def test_a_template_that_takes_much_memory_is_not_kept(loaded: Loaded) -> None:
    loaded.keep("short", template(loaded, "oil"))
    letters = random.Random(0)
    loaded.keep(
        "long", template(loaded, *("".join(letters.choices("oilprcesag ", k=100)) for _ in range(50)))
    )
    loaded.keep("k" * 10_000, template(loaded))
    assert list(loaded.templates) == ["short"]
