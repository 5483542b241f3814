"""What Keras needs to be tried, as for its exports."""

import pytest

from tests.exporting import conftest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs Keras as slow."""
    conftest.pytest_collection_modifyitems(items)
