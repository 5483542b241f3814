"""What Keras needs to be tried: time."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs Keras as slow: its import alone takes seconds."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        runs = "case" in parameters or parameters.get("precision") == "float32"
        if parameters.get("to") == "keras" and runs:
            item.add_marker(pytest.mark.slow)
