"""The page of a server in Chromium, for tests: what it says, and whom it asks."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from tests.exporting.browser import chromium, texts_of_page

__all__ = ["Running", "ServedPage", "chromium", "served_page"]

REFUSED = "Failed to load resource"  # Chromium's own words for every answer from 400 on


class Running:
    """A server of the stub in a thread, which can die and come back at its address.

    Args:
        app: What it answers with.
        port: Its port; 0 for any.
    """

    def __init__(self, app: Any, port: int = 0) -> None:
        config = uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        """Let it die, whatever it is doing."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)


@dataclass
class ServedPage:
    """A page of the browser.

    Args:
        page: The page of Playwright.
        said: Messages of the console, and errors.
        asked: Addresses of requests to others than the server.
        bodies: What was asked of the server to write.
        refusals: Whether the server may refuse a request, which Chromium writes on its console.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refusals: bool = False

    def open(self, base: str, fragment: str = "", wait: str = "#bars li") -> Any:
        """Open the page of a server, and wait until there is something."""
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.note(request, base))
        self.page.goto(base + fragment)
        self.page.wait_for_selector(wait)
        return self.page

    def note(self, request: Any, base: str) -> None:
        address = request.url
        if address.endswith("/v1/completions"):
            self.bodies.append(json.loads(request.post_data))
        if not address.startswith(("blob:", "data:", base)):
            self.asked.append(address)

    @property
    def complaints(self) -> list[str]:
        """What was said, without what the test expects."""
        return [one for one in self.said if not (self.refusals and REFUSED in one)]

    def write(self) -> list[str]:
        """Press the button, and return the texts once they are written."""
        self.page.click("#write")
        return self.written()

    def written(self) -> list[str]:
        """Return the texts once they are written."""
        return texts_of_page(self.page)


@pytest.fixture
def served_page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[ServedPage]:
    """Make a page; a test may parametrize it by options of `new_context`."""
    options = {"locale": "en-GB", "reduced_motion": "reduce", **getattr(request, "param", {})}
    context = chromium.new_context(**options)
    context.set_default_timeout(15_000)
    one = ServedPage(context.new_page())
    yield one
    context.close()
    assert one.complaints == []
    assert one.asked == []
