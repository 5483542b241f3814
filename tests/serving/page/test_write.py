"""The page Write in a real browser: it says what Python says, stops, marks and explains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporting.cases import TEXTS
from tests.serving.browser import Running, ServedPage
from tests.serving.page.written import HOSTILE, SEED, set_to, texts_of
from tests.serving.stub_api import StubServer
from unspool import Constraint, Generator

pytestmark = pytest.mark.browser


def test_a_seed_gives_the_texts_of_python(served_page: ServedPage, base: str, model: Generator) -> None:
    here = served_page.open(base)
    set_to(here, seed=SEED, count=6, prompt="pla")
    first = served_page.write()
    assert first == texts_of(model, "pla", n=6)
    assert here.text_content("#status").startswith("6 texts, ")
    here.check("#fresh")
    assert served_page.write() != first
    assert "#/write&model=lines&" in here.url


def test_a_seed_of_twenty_digits_arrives_whole(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    set_to(here, seed=2**64 - 1)
    served_page.write()
    assert served_page.bodies[-1]["seed"] == 2**64 - 1


def test_what_the_texts_must_be_reaches_the_server(
    served_page: ServedPage, base: str, model: Generator
) -> None:
    here = served_page.open(base)
    here.click("#musts summary")
    set_to(here, seed=SEED, **{"must-contains": "a\no", "must-maxLength": 30, "must-regex": "[a-z ]+"})
    assert here.text_content("#musts-count") == "3 in use"
    wanted = Constraint(contains=("a", "o"), max_length=30, regex="[a-z ]+")
    assert served_page.write() == texts_of(model, constraint=wanted)
    set_to(here, **{"must-contains": "", "must-regex": "", "must-maxLength": ""})
    here.check("#must-unique")
    assert served_page.write() == texts_of(model, unique=True)


def test_an_error_stands_at_its_field(served_page: ServedPage, base: str) -> None:
    served_page.refusals = True
    here = served_page.open(base)
    here.click("#musts summary")
    here.fill("#must-regex", "(a")
    here.click("#musts summary")  # it is opened again by the error
    here.click("#write")
    here.wait_for_selector("#must-regex[aria-invalid=true]")
    note = here.text_content("#field-error")
    assert "regex" in note
    assert here.get_attribute("#must-regex", "aria-describedby") == "field-error"
    assert here.evaluate("() => document.activeElement.id") == "must-regex"
    assert note in here.text_content("#status")
    here.fill("#must-regex", "[a-z ]+")
    assert here.query_selector("#field-error") is None
    assert here.get_attribute("#must-regex", "aria-invalid") is None
    assert len(served_page.write()) == 4


def test_what_is_copied_is_marked(served_page: ServedPage, base: str, model: Generator) -> None:
    here = served_page.open(base)
    set_to(here, seed=SEED, count=1, prompt="plain ")
    here.click("#musts summary")
    here.fill("#must-regex", TEXTS[3])
    assert served_page.write() == [TEXTS[3]]
    spans = model.novelty_index.known_spans(TEXTS[3])
    assert spans == [(0, 24)]
    marked = here.eval_on_selector_all("#texts mark", "all => all.map(one => one.textContent)")
    assert marked == [TEXTS[3][6:]]
    assert here.get_attribute("#texts mark", "title") == "Stands in the training text"
    assert "100.0% of what was written" in here.text_content("#copied-note")
    here.uncheck("#mark-copied")
    line = "() => getComputedStyle(document.querySelector('#texts mark')).textDecorationLine"
    assert here.evaluate(line) == "none"


def test_more_like_a_text_begins_like_it(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    set_to(here, seed=SEED, prompt="pl")
    first = served_page.write()
    here.click("[aria-label='More like text 1']")
    more = served_page.written()
    beginning = here.input_value("#prompt")
    assert beginning.startswith("pl")
    assert len(beginning) > 2
    assert first[0].startswith(beginning)
    assert first[0] != beginning
    assert all(text.startswith(beginning) for text in more)
    assert served_page.bodies[-1]["seed"] != SEED
    here.click("#earlier")
    assert here.input_value("#prompt") == "pl"
    assert not here.is_visible("#earlier")


def test_a_text_that_was_cut_goes_on(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    set_to(here, seed=SEED, maxNewTokens=5, count=1)
    (first,) = served_page.write()
    here.click("[aria-label='Go on with text 1']")
    (more,) = served_page.written()
    assert more.startswith(first)
    assert len(more) > len(first)


@pytest.mark.parametrize("served_page", [{"reduced_motion": "no-preference"}], indirect=True)
def test_escape_stops_what_is_shown_slowly(served_page: ServedPage, base: str, model: Generator) -> None:
    here = served_page.open(base)
    here.click("#more summary")
    set_to(here, seed=SEED, maxNewTokens=200, **{"option-minTokens": 200})
    here.click("#write")
    here.wait_for_function("() => document.querySelector('#texts .text').textContent.length > 3")
    assert here.is_disabled("#write")
    here.keyboard.press("Escape")
    texts = served_page.written()
    whole = texts_of(model, max_new_tokens=200, min_tokens=200)
    assert [one[: len(text)] for one, text in zip(whole, texts, strict=True)] == texts
    assert all(len(text) < 200 for text in texts)
    assert here.text_content("#status").startswith("Stopped after")


def test_stopping_stops_the_server(served_page: ServedPage, model: Generator) -> None:
    stub = StubServer({"lines": model}, pause=0.02)
    server = Running(stub.app())
    here = served_page.open(server.base)
    here.click("#more summary")
    set_to(here, seed=SEED, maxNewTokens=2000, **{"option-minTokens": 2000})
    here.click("#write")
    here.wait_for_function("() => document.querySelector('#texts .text').textContent.length > 3")
    here.click("#stop")
    assert all(0 < len(text) < 2000 for text in served_page.written())
    here.wait_for_timeout(200)
    sent = stub.sent
    here.wait_for_timeout(300)
    assert stub.sent == sent < 2000
    server.stop()


def test_hostile_names_and_symbols_stay_text(served_page: ServedPage, base: str, hostile: Generator) -> None:
    here = served_page.open(base)
    here.select_option("#model", HOSTILE)
    here.wait_for_selector("#bars .named")
    here.wait_for_function("name => document.querySelector('#foot bdi')?.textContent === name", arg=HOSTILE)
    set_to(here, seed=SEED, maxNewTokens=30)
    assert served_page.write() == texts_of(hostile, max_new_tokens=30)
    assert here.query_selector("main b, main img, select b") is None
    symbols = here.eval_on_selector_all("#bars .glyph", "all => all.map(one => one.textContent)")
    assert not {"\u202e", "\u2028"} & set("".join(symbols))
    here.fill("#own", "<b>&amp;</b>")
    here.wait_for_selector("#coloured span")
    for kind in ("curl", "openai", "unspool"):
        here.evaluate("id => document.getElementById(id).click()", f"call-{kind}")
        assert not {"\u202e", "\u2028"} & set(here.text_content("#call-code"))
    here.reload()  # the link names the model
    here.wait_for_function("name => document.querySelector('#foot bdi')?.textContent === name", arg=HOSTILE)


def run(program: str, folder: Path, *, shell: bool = False) -> str:
    command = ["bash", "-c", program] if shell else [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_calls_write_the_same_texts(served_page: ServedPage, base: str, folder: Path) -> None:
    here = served_page.open(base, "#/write&model=lines")
    set_to(here, seed=2**63 + 1, count=2, prompt="pla")
    here.click("#musts summary")
    set_to(here, **{"must-maxLength": 30, "must-excludes": "x\n$"})
    here.check("#must-unique")
    here.select_option("#must-scope", "continuation")
    texts = served_page.write()
    here.click("#call summary")
    answer = json.loads(run(here.text_content("#call-code"), folder, shell=True))
    assert ["pla" + choice["text"] for choice in answer["choices"]] == texts
    here.click("#call-openai")
    assert run(here.text_content("#call-code"), folder).split("\n") == [*(text[3:] for text in texts), ""]
    here.click("#call-unspool")
    assert run(here.text_content("#call-code"), folder).split("\n") == [*texts, ""]


def test_fewer_texts_than_wanted_are_said(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base)
    here.click("#musts summary")
    set_to(here, seed=SEED, **{"must-regex": "plain|pla"})
    here.check("#must-unique")
    assert sorted(served_page.write()) == ["pla", "plain"]
    assert "Only 2 of 4 were found." in here.text_content("#status")
    assert here.text_content("#copied-note").startswith("Nothing")
    with here.expect_download() as download:
        here.click("#download")
    assert sorted(download.value.path().read_text("utf-8").split()) == ["pla", "plain"]


def test_another_model_keeps_what_was_begun(served_page: ServedPage, base: str) -> None:
    here = served_page.open(base, "#/write&model=lines")
    set_to(here, prompt="pl", own="plain")
    here.select_option("#model", HOSTILE)
    here.wait_for_function("() => document.querySelector('#foot bdi')?.textContent !== 'lines'")
    assert here.input_value("#prompt") == "pl"
    assert here.is_disabled("#must-novel")  # it has no index of its training text
    here.go_back()
    here.wait_for_function("() => document.querySelector('#foot bdi').textContent === 'lines'")
    served_page.refusals = True  # "pl" is no word of the other model
