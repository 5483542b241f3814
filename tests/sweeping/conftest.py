"""The empty tables of a database, which every sweep of the tests begins with."""

from collections.abc import Iterator

import pytest

from .scripted import TABLES


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the empty tables of a database once: it takes a second, and every test needs them."""
    import optuna

    path = tmp_path_factory.mktemp("tables") / "sweep.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    TABLES.append(path)
    yield
    TABLES.clear()
