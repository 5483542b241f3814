"""The shell of the page in a real browser: tabs, languages, keys, a server that dies, and its own rules."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.browser import Running, ServedPage
from tests.serving.page.written import SEED, set_to, texts_of
from tests.serving.stub_api import StubServer
from unspool import Generator

pytestmark = pytest.mark.browser

KEY = "a key of sixteen or more"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def test_a_server_that_dies_comes_back(served_page: ServedPage, model: Generator) -> None:
    served_page.refusals = True
    slow, quick = StubServer({"lines": model}, pause=0.05), StubServer({"lines": model})
    server = Running(slow.app())
    here = served_page.open(server.base)
    here.click("#more summary")
    set_to(here, seed=SEED, maxNewTokens=500, **{"option-minTokens": 500})
    here.click("#write")
    here.wait_for_function("() => document.querySelector('#texts .text').textContent.length > 3")
    server.stop()
    here.wait_for_selector("#trouble:not([hidden])")
    assert "does not answer" in here.text_content("#trouble")
    assert all(0 < len(text) < 500 for text in served_page.written())  # what came is kept
    assert "broke off" in here.text_content("#status")
    here.fill("#prompt", "pl")  # asked while nobody answers
    quick.served.token = "another"
    server = Running(quick.app(), server.port)
    here.wait_for_selector("#trouble", state="hidden")
    assert here.text_content("#said") == "The server is there again."
    here.wait_for_selector('#bars [aria-label^="Append a,"]')
    set_to(here, maxNewTokens=200, **{"option-minTokens": ""})
    assert served_page.write() == texts_of(model, "pl")
    server.stop()


@contextlib.contextmanager
def served_by_command(folder: Path, port: int) -> Iterator[str]:
    """Start the command, and kill it at the end; its address, from its first line."""
    command = [sys.executable, "-m", "unspool", "serve", str(folder), "--port", str(port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["address"] + "/"
        finally:
            process.kill()


def test_the_command_may_be_killed_and_started_again(
    served_page: ServedPage, folder: Path, model: Generator
) -> None:
    served_page.refusals = True
    with served_by_command(folder, 0) as base:
        here = served_page.open(base, "#/write&model=lines")
        token = here.evaluate("async () => (await import('/page/api.js')).api.token")
    here.wait_for_selector("#trouble:not([hidden])")
    with served_by_command(folder, int(base.rstrip("/").rpartition(":")[2])):
        here.wait_for_selector("#trouble", state="hidden")
        set_to(here, seed=SEED)
        assert served_page.write() == texts_of(model)
        assert here.evaluate("async () => (await import('/page/api.js')).api.token") != token


def test_a_key_is_asked_for_once_and_kept(served_page: ServedPage, model: Generator) -> None:
    served_page.refusals = True
    server = Running(StubServer({"lines": model}, key=KEY).app())
    here = served_page.open(server.base, wait="#key-dialog[open]")
    assert here.evaluate("() => document.activeElement.id") == "key"
    here.keyboard.type("wrong")
    here.keyboard.press("Enter")
    here.wait_for_selector("#key-wrong:has-text('did not accept')")
    here.fill("#key", KEY)
    here.keyboard.press("Enter")
    here.wait_for_selector("#bars li")
    set_to(here, seed=SEED)
    assert served_page.write() == texts_of(model)
    assert KEY not in here.text_content("#call-code")
    assert "$UNSPOOL_API_KEY" in here.text_content("#call-code")
    here.reload()
    here.wait_for_selector("#bars li")
    assert not here.is_visible("#key-dialog")
    server.stop()


def test_tabs_are_links_and_the_way_back_keeps_the_page(served_page: ServedPage, base: str) -> None:
    served_page.refusals = True  # the stub has no runs
    here = served_page.open(base)
    set_to(here, seed=SEED, count=2)
    texts = served_page.write()
    here.click("#tab-watch")
    here.wait_for_selector("#panel-watch:not([hidden])")
    assert not here.is_visible("#panel-write")
    assert here.get_attribute("#tab-watch", "aria-current") == "page"
    assert here.title() == "Watch · unspool"
    here.click("#tab-write")
    here.wait_for_selector("#panel-write:not([hidden])")
    assert served_page.written() == texts
    assert f"seed={SEED}" in here.url


def test_the_page_speaks_chinese_and_remembers_it(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    served_page.write()
    here.click("#lang-zh")
    assert here.text_content("#tab-write") == "写作"
    assert here.get_attribute("html", "lang") == "zh-CN"
    assert here.get_attribute("#texts article", "aria-label") == "第 1 篇"
    wordless = "all => all.filter(one => !one.textContent).map(one => one.dataset.word)"
    assert here.eval_on_selector_all("[data-word]", wordless) == []
    here.reload()
    here.wait_for_selector("#bars li")
    assert here.text_content("#tab-write") == "写作"


def test_every_word_is_there_in_chinese(served_page: ServedPage, base: str) -> None:
    served_page.refusals = True  # the stub has no runs
    here = served_page.open(base)
    here.click("#tab-watch")
    here.click("#tab-train")
    here.wait_for_selector("#panel-train:not([hidden])")
    script = """async () => { const { LANGUAGES } = await import("/page/words.js");
        return Object.values(LANGUAGES).map(words => Object.keys(words).sort()); }"""
    english, chinese = here.evaluate(script)
    assert len(english) > 100
    assert set(english) <= set(chinese)  # which has words for what the server says in English, too


def test_the_keyboard_alone_writes(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    reached = []
    for _ in range(40):
        here.keyboard.press("Tab")
        reached.append(here.evaluate("() => document.activeElement.id || document.activeElement.localName"))
    order = ["tab-write", "tab-train", "lang-zh", "model", "prompt", "temperature", "count", "seed", "write"]
    assert [one for one in reached if one in order][: len(order)] == order
    here.focus("#prompt")
    here.keyboard.type("plain")
    here.keyboard.press("Control+Enter")
    assert all(text.startswith("plain") for text in served_page.written())


@pytest.mark.parametrize("served_page", [PHONE, PHONE | {"color_scheme": "dark"}], indirect=True)
def test_it_fits_a_phone(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    here.click("#more summary")
    here.click("#musts summary")
    served_page.write()
    here.click("#call summary")
    assert here.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    low = here.eval_on_selector_all(
        "button, select, a, textarea, input:not([type=checkbox]):not([type=range])",
        "all => all.filter(one => one.offsetParent && one.offsetHeight < 30).map(one => one.id)",
    )
    assert low == []  # a finger needs some room
    outside = here.eval_on_selector_all(
        "main *, header *",
        """all => all.filter(one => one.offsetParent && !one.closest("pre") && one.className !== "aloud"
            && (one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1))
            .map(one => one.id || one.className || one.localName)""",
    )
    assert outside == []


def test_everything_has_a_name_that_can_be_read_aloud(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    served_page.write()
    nameless = here.eval_on_selector_all(
        "button, input, select, textarea, a",
        """all => all.filter(one => !one.textContent.trim() && !one.ariaLabel
            && ![...(one.labels ?? [])].some(label => label.textContent.trim())).map(one => one.id)""",
    )
    assert nameless == []
    doubled = """() => { const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
        return ids.filter((id, i) => ids.indexOf(id) !== i); }"""
    assert here.evaluate(doubled) == []
    assert (
        here.evaluate(
            "() => [...document.querySelectorAll('main')].filter(one => !one.closest('[hidden]')).length"
        )
        == 1
    )


def test_without_a_key_it_says_so(served_page: ServedPage, model: Generator) -> None:
    served_page.refusals = True
    server = Running(StubServer({"lines": model}, key=KEY).app())
    here = served_page.open(server.base, wait="#key-dialog[open]")
    here.keyboard.press("Escape")
    here.wait_for_selector("#trouble:not([hidden])")
    assert here.text_content("#trouble").startswith("Nothing can be shown without a key.")
    server.stop()


def test_a_model_that_cannot_be_loaded_leaves_the_other(served_page: ServedPage, model: Generator) -> None:
    served_page.refusals = True
    stub = StubServer({"lines": model})
    stub.broken = ["damaged"]
    server = Running(stub.app())
    here = served_page.open(server.base, "#/write&model=lines")
    here.select_option("#model", "damaged")
    here.wait_for_selector("#trouble:not([hidden])")
    assert "its folder is damaged" in here.text_content("#trouble")
    assert here.input_value("#model") == "lines"
    here.go_back()
    here.wait_for_selector("#trouble", state="hidden")
    set_to(here, seed=SEED)
    assert served_page.write() == texts_of(model)
    server.stop()


def test_it_starts_by_itself_when_a_server_comes_that_was_away(
    served_page: ServedPage, model: Generator
) -> None:
    served_page.refusals = True
    server = Running(StubServer({"lines": model}).app())
    here = served_page.open(server.base, "#/train", wait="#panel-train:not([hidden])")
    server.stop()
    here.click("#tab-write")
    here.wait_for_selector("#trouble:not([hidden])")
    server = Running(StubServer({"lines": model}).app(), server.port)
    here.wait_for_selector("#bars li")
    assert not here.is_visible("#trouble")
    server.stop()


def test_a_server_without_models_says_where_to_train_one(served_page: ServedPage) -> None:
    server = Running(StubServer({}).app())
    here = served_page.open(server.base, wait="#empty:not([hidden])")
    assert not here.is_visible("#main")
    assert here.get_attribute("#empty a", "href") == "#/train"
    server.stop()


ASK = """async () => {
    const refused = [], address = "http://127.0.0.1:9/";
    addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
    new Image().src = address;
    const script = (what) => document.head.append(Object.assign(document.createElement("script"), what));
    script({ src: address });
    script({ textContent: "window.owned = 1" });
    document.body.append(Object.assign(document.createElement("iframe"), { src: address }));
    await fetch(address).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return [refused.sort(), window.owned];
}"""


def test_its_own_rules_forbid_any_other_request(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    refused, owned = here.evaluate(ASK)
    assert refused == ["connect-src", "frame-src", "img-src", "script-src-elem", "script-src-elem"]
    assert owned is None
    assert all("Content Security Policy" in one for one in served_page.said)
    served_page.said.clear()
    served_page.asked.clear()  # what this test asked for
