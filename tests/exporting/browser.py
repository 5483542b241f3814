"""A browser for the tests of the page: Chromium by Playwright, which `make test-browser` installs."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for.

    Args:
        page: The page of Playwright.
        said: Messages of the console, and errors.
        asked: Addresses of requests, but for the page itself and what it has made.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: Path, fragment: str = "") -> Any:
        """Open a file, and wait until the model may be used."""
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.note(request.url, path))
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector("#bars li")
        return self.page

    def note(self, address: str, path: Path) -> None:
        if not address.startswith(("blob:", "data:", path.as_uri())):
            self.asked.append(address)

    def write(self) -> list[str]:
        """Press the button, and return the texts once they are written."""
        self.page.click("#write")
        return self.written()

    def written(self) -> list[str]:
        return texts_of_page(self.page)


def texts_of_page(page: Any) -> list[str]:
    """Return the texts of an exported or a served page once they are written."""
    page.wait_for_selector("#texts:not([aria-busy]) article")
    # <span class="given"> is the prompt, <span class="end"> a mark that is no part of the text
    script = """all => all.map(one => [...one.childNodes].filter(
        node => node.className !== "end").map(node => node.textContent).join(""))"""
    texts: list[str] = page.eval_on_selector_all("#texts .text", script)
    return texts


_running: list[Any] = []  # the one browser, which each module that imports the fixture uses


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start Chromium without a window."""
    if _running:
        yield _running[0]
        return
    playwright = pytest.importorskip("playwright.sync_api")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: apt install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        _running.append(browser)
        yield browser
        _running.clear()
        browser.close()


@pytest.fixture
def opened(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Make a page; a test may parametrize it by options of `new_context`."""
    options = {"locale": "en-GB", "reduced_motion": "reduce", **getattr(request, "param", {})}
    context = chromium.new_context(**options)
    context.set_default_timeout(15_000)
    one = Opened(context.new_page())
    yield one
    context.close()
    assert one.said == []
    assert one.asked == []
