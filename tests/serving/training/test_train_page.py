"""The page Train in a real browser: from a text to a model, and a server that dies and comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import unspool
from tests.serving.browser import ServedPage, chromium, served_page
from tests.serving.conftest import serving
from tests.serving.training.conftest import LONG, TABLE, end_all, serving_apart
from unspool._serving.limits import Limits
from unspool._serving.served import Served
from unspool._serving.training.uploads import FOLDER

pytestmark = pytest.mark.browser
__all__ = ["chromium", "served_page"]

START = "#train-choose"
FILE = "#panel-train input[type=file]"
HOSTILE = "<img src=x onerror=alert(1)>"
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "locale": "zh-CN",
    "color_scheme": "dark",
}
DROP = """([name, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([content], name));
    return data;
}"""


@pytest.fixture
def base(runs: Path) -> Iterator[str]:
    """Run a server of a folder of runs; name it before the page, which then is closed while it is there."""
    with serving(Served(roots=(runs,), limits=Limits(max_upload=1 << 20))) as running:
        yield f"{running.address}/"
        with httpx.Client(base_url=running.address) as client:
            end_all(client)


def drop(page: Any, name: str, content: str) -> None:
    data = page.evaluate_handle(DROP, [name, content])
    for kind in ("dragenter", "dragover", "drop"):
        page.dispatch_event(".drop", kind, {"dataTransfer": data})


def choose_time(page: Any, minutes: str) -> None:
    page.check("#train-time-other", force=True)
    page.fill("#train-minutes", minutes)


def is_wider_than_it_should_be(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_from_a_dropped_file_to_a_written_text(base: str, served_page: ServedPage, runs: Path) -> None:
    here = served_page.open(base, "#/train", wait=START)
    drop(here, f"{HOSTILE}.csv", TABLE.replace("long", HOSTILE))
    here.wait_for_selector("#train-read table")
    assert here.text_content("#train-counts").startswith(f"{HOSTILE}.csv 40 texts, ")
    assert here.eval_on_selector_all("th", "all => all.map(one => one.textContent)") == [
        "id",
        "title",
        "body",
    ]
    assert here.input_value("#train-column") == "body"
    assert here.text_content("td.chosen") == f"the {HOSTILE} text number 0 of all"
    here.select_option("#train-column", "title")
    here.wait_for_selector("td.chosen:has-text('t0')")
    choose_time(here, "0.2")
    here.wait_for_selector("#train-plan:has-text('LSTM with')")
    here.fill("#train-name", "../up")
    here.click("#train-start")
    here.wait_for_selector("#train-refused:has-text('A name has letters')")
    assert here.evaluate("document.activeElement.id") == "train-name"
    served_page.refusals = True
    here.fill("#train-name", "titles")
    here.click("#train-start")
    here.wait_for_selector("article.job h3:has-text('titles')")
    here.wait_for_selector("article.job[data-state=finished]", timeout=60_000)
    assert here.get_attribute("article.job a.main", "href") == "#/write&model=titles"
    assert here.get_attribute("article.job a:not(.main)", "href") == "#/watch&run=titles"
    assert here.eval_on_selector_all("article.job blockquote", "all => all.length") == 3
    assert here.query_selector("#panel-train img") is None
    model = unspool.load(runs / "titles")
    assert HOSTILE not in "".join(model.tokenizer.symbols)  # it learnt the column that was chosen
    here.click("article.job a.main")
    here.wait_for_selector("#bars li")
    assert here.input_value("#model") == "titles"
    here.fill("#seed", "7")
    here.uncheck("#fresh")
    options = {"n": int(here.input_value("#count")), "max_new_tokens": int(here.input_value("#maxNewTokens"))}
    temperature = float(here.input_value("#temperature"))
    texts = [str(one.text) for one in model.generate(seed=7, temperature=temperature, **options)]
    assert served_page.write() == texts


@pytest.mark.parametrize("served_page", [PHONE], indirect=True)
def test_pasted_text_by_keyboard_alone_on_a_dark_chinese_phone(base: str, served_page: ServedPage) -> None:
    here = served_page.open(base, "#/train", wait=START)
    assert here.text_content("#panel-train h1") == "用自己的文本训练一个模型"
    assert not is_wider_than_it_should_be(here)
    here.focus("#train-paste")
    here.keyboard.press("Enter")
    assert here.evaluate("document.activeElement.id") == "train-pasted"
    here.keyboard.insert_text("床前明月光\n疑是地上霜\n举头望明月\n低头思故乡\n" * 20)
    here.keyboard.press("Tab")
    here.keyboard.press("Enter")
    here.wait_for_selector("#train-read li:has-text('床前明月光')")
    assert "80 条文本，400 个字符" in here.text_content("#train-counts")
    assert here.evaluate("document.activeElement.id") == "train-read-title"
    here.select_option("#train-read-as", "true")
    here.wait_for_selector("#train-read blockquote")
    here.wait_for_selector("#train-plan:has-text('LSTM')")
    assert not is_wider_than_it_should_be(here)
    here.focus("#train-time-3")
    here.keyboard.press("ArrowLeft")
    assert here.is_checked("#train-time-1")
    here.focus("#train-start")
    here.keyboard.press("Enter")
    here.wait_for_selector("article.job h3:has-text('pasted-text'), article.job h3:has-text('training')")
    stop = "article.job button:has-text('停止')"
    here.wait_for_selector(stop)
    here.focus(stop)
    here.keyboard.press("Enter")
    here.wait_for_selector("article.job[data-state=stopped]", timeout=60_000)
    here.click("#lang-en")
    assert here.text_content("article.job .job-state") == "was stopped; what it learnt is kept"
    assert not is_wider_than_it_should_be(here)


def test_a_file_in_another_encoding_can_be_mended(base: str, served_page: ServedPage, tmp_path: Path) -> None:
    here = served_page.open(base, "#/train", wait=START)
    path = tmp_path / "诗.txt"
    path.write_bytes("床前明月光\n疑是地上霜\n".encode("gb18030"))
    here.set_input_files(FILE, path)
    here.wait_for_selector("#train-problem:has-text('诗.txt')")
    assert not here.is_visible("#train-time")
    here.select_option("#train-encoding", "gb18030")
    here.wait_for_selector("#train-read li:has-text('疑是地上霜')")
    assert here.is_visible("#train-time")
    assert not here.is_visible("#train-problem")


def test_what_is_no_text_or_too_large_is_a_sentence(
    base: str, served_page: ServedPage, tmp_path: Path, runs: Path
) -> None:
    served_page.refusals = True
    here = served_page.open(base, "#/train", wait=START)
    drop(here, "a.docx", "PK\x03\x04 and more")
    here.wait_for_selector("#train-wrong:has-text('a.docx: it looks like a zip archive')")
    (tmp_path / "large.txt").write_bytes(b"a" * (1 << 21))
    here.set_input_files(FILE, tmp_path / "large.txt")
    here.wait_for_selector("#train-wrong:has-text('large.txt has 2.1 MB; at most 1 MB can be sent')")
    assert not here.is_visible("#train-read")
    assert list((runs / FOLDER).iterdir()) == []


def test_a_server_of_models_alone_says_that_it_trains_nothing(models: Path, served_page: ServedPage) -> None:
    served_page.refusals = True
    with serving(Served(roots=(models / "tiny",))) as running:
        here = served_page.open(f"{running.address}/", "#/train", wait="#panel-train h1")
        here.wait_for_selector("#panel-train [role=alert]:has-text('no folder for new ones')")
        assert not here.is_visible(START)
        here.goto("about:blank")


def test_a_server_that_is_killed_shows_the_training_again(served_page: ServedPage, runs: Path) -> None:
    served_page.refusals = True
    with serving_apart(runs) as (process, address):
        here = served_page.open(f"{address}/", "#/train", wait=START)
        drop(here, "long.txt", LONG)
        here.wait_for_selector("#train-read li")
        here.check("#train-time-1", force=True)
        here.click("#train-start")
        here.wait_for_selector("article.job[data-state=training]", timeout=60_000)
        process.kill()
    here.wait_for_selector("#trouble:has-text('does not answer')", timeout=30_000)
    with serving_apart(runs, address.rpartition(":")[2]):
        here.wait_for_selector("#trouble", state="hidden", timeout=30_000)
        here.click("article.job button:has-text('Stop')")  # the page has got the new server's token
        here.wait_for_selector("article.job[data-state=stopped]", timeout=60_000)
        here.click("article.job button:has-text('Go on')")
        here.wait_for_selector("article.job[data-state=training]", timeout=60_000)
        with httpx.Client(base_url=address) as client:
            end_all(client)
        here.wait_for_selector("article.job[data-state=failed] .wrong:has-text('ended without a word')")
        here.goto("about:blank")
