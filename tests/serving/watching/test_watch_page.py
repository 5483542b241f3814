"""The page Watch in a real browser: a training live, killed, resumed; runs compared; a server that dies."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.browser import Running, ServedPage, chromium, served_page
from tests.serving.watching.lines import evaluation, finish, sample, step, text_of
from unspool._serving.app import App
from unspool._serving.served import Served
from unspool._training.folder.sole_writer import sole_writer

pytestmark = pytest.mark.browser
__all__ = ["chromium", "served_page"]

HOSTILE = "<img src=x onerror=alert(1)> \"'&amp; \u202e名"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
OVERFIT = [(3.6, 3.7), (3.0, 3.2), (2.5, 3.4), (2.0, 3.9)]  # training and held out, an epoch each
PER_EPOCH = 40


def lines_of(epochs: list[tuple[float, float]], text: str = "abc") -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for epoch, (training, held_out) in enumerate(epochs, start=1):
        first, last = (epoch - 1) * PER_EPOCH + 1, epoch * PER_EPOCH
        lines += [
            step(number, training + (number % 3) / 10, epoch=epoch) for number in range(first, last + 1)
        ]
        lines += [
            evaluation(last, held_out, training, epoch=epoch),
            sample(last, f"{text} {epoch}", epoch=epoch),
        ]
    return lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "runs"
    path.mkdir()
    return path


@pytest.fixture
def make_run(models: Path, folder: Path) -> Callable[..., Path]:
    def make(name: str, *lines: dict[str, Any], **network: Any) -> Path:
        path = Path(shutil.copytree(models / "tiny", folder / name))
        (path / "metrics.jsonl").write_bytes(text_of(*lines))
        if network:  # the model is another one then, so that its file goes
            config = json.loads((path / "config.json").read_text())
            config["network"] |= network
            (path / "config.json").write_text(json.dumps(config))
            (path / "model.safetensors").unlink()
        return path

    return make


@pytest.fixture
def base(folder: Path) -> Iterator[str]:
    """Run a server; name it before the page, which then is closed while the server is there."""
    server = Running(App(Served(roots=(folder,))))
    yield server.base
    server.stop()


def append(run: Path, *lines: dict[str, Any]) -> None:
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(text_of(*lines))


def rows_of(page: Any) -> list[list[str]]:
    script = "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    found: list[list[str]] = page.eval_on_selector_all("#panel-watch .table tbody tr", script)
    return found


def training(corpus: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "unspool", "train", str(corpus), "--out", str(out), "--threads", "1"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, *more], **quiet)  # type: ignore[call-overload, no-any-return]


def test_a_training_is_watched_killed_and_resumed(base: str, served_page: ServedPage, folder: Path) -> None:
    corpus = folder.parent / "names.txt"
    corpus.write_text(
        "".join(f"{a}{b}{c}\n" for a in "bdfglm" for b in ("an", "el", "ori") for c in ("a", "is", "o"))
    )
    slow = (
        "--epochs",
        "100000",
        "--hidden-size",
        "32",
        "--evaluate-every",
        "40",
        "--checkpoint-seconds",
        "0.2",
    )
    process = training(corpus, folder / "live", *slow)
    try:
        here = served_page.open(base, "#/watch", ".runs .state.training")
        here.click(".runs a.name")
        here.wait_for_selector(".table tbody tr:nth-child(2)")
        assert here.text_content("#panel-watch h1") == "live"
        here.wait_for_selector(".samples .sample")
        here.wait_for_selector("svg.curves path.line.c2")
        first = here.text_content(".standing")
        assert re.search(r"training.*done · epoch .* of 100,000 · step [\d,]+ · about .* left", first)
        count = len(rows_of(here))
        here.wait_for_function("n => document.querySelectorAll('.table tbody tr').length > n", arg=count)
        assert here.text_content(".standing") != first
        process.kill()  # -9: nothing of it can say goodbye
        process.wait()
        here.wait_for_selector(".standing .state.stopped")
        here.wait_for_selector(".next-steps code")
        command = here.text_content(".next-steps li:first-child + li code, .next-steps code")
        assert command == f"unspool train --resume {folder / 'live'}"
        words = shlex.split(command)[1:]
        process = subprocess.Popen(
            [sys.executable, "-m", "unspool", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        here.wait_for_selector(".standing .state.training")
        steps = [int(row[1].replace(",", "")) for row in rows_of(here)]
        assert steps == sorted(set(steps), reverse=True)
        here.wait_for_function(
            "n => +document.querySelector('.table tbody td:nth-child(2)').textContent.replace(/,/g, '') > n",
            arg=max(steps),
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        here.wait_for_selector(".standing .state.stopped")
    finally:
        process.kill()
        process.wait()


def test_the_page_says_what_the_figures_are(
    base: str, served_page: ServedPage, make_run: Callable[..., Path]
) -> None:
    make_run("names", *lines_of(OVERFIT), finish(160))
    here = served_page.open(base, "#/watch&run=names", ".table tbody tr:nth-child(4)")
    assert rows_of(here) == [
        ["4", "160", "0:16", "2.000", "3.900"],
        ["3", "120", "0:12", "2.500", "3.400"],
        ["2", "80", "0:08", "3.000", "3.200 best"],
        ["1", "40", "0:04", "3.600", "3.700"],
    ]
    assert "Overfitting since epoch 2" in here.text_content(".verdict")
    assert "All epochs are done" in here.text_content(".verdict")
    assert [text.split("0.8")[1] for text in here.locator(".sample p").all_text_contents()] == [
        "abc 4", "abc 3", "abc 2", "abc 1",
    ]  # fmt: skip
    here.wait_for_selector(".next-steps li")
    assert "more text" in here.text_content(".next-steps")
    here.click(".configuration summary")
    cell = here.locator(".configuration tr", has=here.locator("th", has_text="hidden_size")).locator("td")
    assert cell.text_content() == "8"


def test_the_keyboard_reads_the_curve(
    base: str, served_page: ServedPage, make_run: Callable[..., Path]
) -> None:
    make_run("names", *lines_of(OVERFIT), finish(160))
    here = served_page.open(base, "#/watch&run=names", ".table tbody tr:nth-child(4)")
    here.wait_for_selector("svg.curves path.line")
    hand = here.locator("[role=slider]")
    assert "Bits per character" in hand.get_attribute("aria-label")
    hand.focus()
    here.keyboard.press("End")
    assert hand.get_attribute("aria-valuetext").startswith("step 160: training ")
    here.keyboard.press("ArrowLeft")
    assert hand.get_attribute("aria-valuetext").startswith("step 159: ")
    here.keyboard.press("Home")
    here.keyboard.press("ArrowRight")
    assert hand.get_attribute("aria-valuetext").startswith("step 2: ")
    here.select_option(".choices label:nth-child(1) select", "seconds")
    here.keyboard.press("Tab")
    hand.focus()
    here.keyboard.press("End")
    assert hand.get_attribute("aria-valuetext").startswith("after 0:16: ")
    assert here.text_content(".readout").startswith("after 0:16")
    assert "held out 3.900" in hand.get_attribute("aria-valuetext")


def test_runs_are_compared(base: str, served_page: ServedPage, make_run: Callable[..., Path]) -> None:
    make_run("first", *lines_of(OVERFIT), finish(160))
    make_run("second", *lines_of(OVERFIT[:2]), finish(80), dropout=0.25)
    make_run("third", *lines_of(OVERFIT[:1]), finish(40))
    here = served_page.open(base, "#/watch", ".runs li:nth-child(3)")
    assert here.get_attribute(".heading a.button", "href") is None
    for name in ("first", "second"):
        here.check(f'[aria-label="Compare {name}"]')
    here.click("text=Compare 2 runs")
    here.wait_for_selector("svg.curves path.line.c2")
    assert "run=first&run=second" in here.url
    best = here.locator("tr", has=here.locator("th", has_text="best")).locator("td").all_text_contents()
    assert best == ["3.200 at step 80", "3.200 at step 80"]
    here.wait_for_selector("th:has-text('dropout')")
    differing = here.locator("#panel-watch section").nth(1).locator("tbody tr").all_text_contents()
    assert differing == ["dropout00.25"]
    assert here.locator("svg.curves path.line").count() == 4
    assert "first: training" in here.text_content(".readout")
    here.go_back()
    here.wait_for_selector(".runs li:nth-child(3)")


def trial(number: int, state: str, *bits: float, cell: str = "gru", **more: Any) -> dict[str, Any]:
    best = min(bits, default=None)
    facts = {"number": number, "state": state, "seed": 0, "configuration": {"cell": cell, "hidden_size": 8}}
    curve = [[second, value] for second, value in enumerate(bits, start=1)]
    return facts | {"curve": curve, "bits_per_character": best, "parameters": 1234, "seconds": 3.0} | more


def write_sweep(folder: Path, *, running: list[dict[str, Any]], runs: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    document = {"description": "names.txt", "verdict": "Best for this text: gru.", "complete": not running}
    document |= {"configurations": [{"runs": runs}], "failed": [], "running": running}
    (folder / "sweep.json").write_text(json.dumps(document))


def test_a_sweep_is_watched_live(base: str, served_page: ServedPage, folder: Path) -> None:
    done = [trial(0, "complete", 4.0, 3.5), trial(1, "pruned", 4.5, cell=HOSTILE)]
    with sole_writer(folder / "try"):
        write_sweep(folder / "try", running=[trial(2, "running", 4.2)], runs=done)
        here = served_page.open(base, "#/watch", ".sweeps a.name")
        assert "2 trials done · best 3.500" in here.text_content(".sweeps li")
        here.click(".sweeps a.name")
        here.wait_for_selector(".trials tbody tr:nth-child(3)")
        cells = here.eval_on_selector_all(
            ".trials tbody tr",
            "all => all.map(row => [...row.cells].slice(0, 4).map(cell => cell.textContent))",
        )
        assert cells == [
            ["0", "3.500 best", "complete", "gru"],
            ["2", "4.200", "training", "gru"],
            ["1", "4.500", "ended early", HOSTILE],
        ]
        assert here.locator("svg.curves path.line").count() == 3
        here.uncheck('[aria-label="Draw the curve of trial 1"]')
        assert here.locator("svg.curves path.line").count() == 2
        write_sweep(folder / "try", running=[], runs=[*done, trial(2, "complete", 4.2, 3.25)])
        here.wait_for_selector(".trials tr.best th:has-text('2')")
    here.wait_for_selector(".state.finished")
    here.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    (folder / "try" / "sweep.json").unlink()
    here.wait_for_selector("text=The folder of this sweep is gone")
    served_page.refusals = True


def test_a_server_that_dies_and_comes_back(
    served_page: ServedPage, make_run: Callable[..., Path], folder: Path
) -> None:
    run = make_run("names", *lines_of(OVERFIT[:2]))
    server = Running(App(Served(roots=(folder,))))
    here = served_page.open(server.base, "#/watch&run=names", ".table tbody tr:nth-child(2)")
    served_page.refusals = True
    server.stop()
    append(run, *lines_of(OVERFIT)[84:126])
    here.wait_for_selector("#trouble:not([hidden])")
    server = Running(App(Served(roots=(folder,))), server.port)
    try:
        here.wait_for_selector(".table tbody tr:nth-child(3)")
        assert rows_of(here)[0][:2] == ["3", "120"]
        here.wait_for_selector("#trouble[hidden]", state="attached")
        append(run, *lines_of(OVERFIT)[126:])
        here.wait_for_selector(".table tbody tr:nth-child(4)")
        assert len(rows_of(here)) == 4
    finally:
        server.stop()
        served_page.said = [one for one in served_page.said if "ERR_" not in one]


def test_a_run_that_goes_and_comes_back(
    base: str, served_page: ServedPage, make_run: Callable[..., Path]
) -> None:
    run = make_run("names", *lines_of(OVERFIT[:2]))
    here = served_page.open(base, "#/watch&run=names", ".table tbody tr:nth-child(2)")
    away = run.with_name(".away")
    run.rename(away)
    here.wait_for_selector(".state.gone")
    assert "is gone" in here.text_content("#panel-watch [role=alert]")
    away.rename(run)
    here.wait_for_selector(".table tbody tr:nth-child(2)")
    here.wait_for_selector(".standing .state.stopped")
    (run / "metrics.jsonl").write_bytes(text_of(*lines_of(OVERFIT[:1])))  # it is cut back
    here.wait_for_function("() => document.querySelectorAll('.table tbody tr').length === 1")


@pytest.mark.parametrize(
    "served_page", [PHONE, PHONE | {"locale": "zh-CN", "color_scheme": "dark"}], indirect=True
)
def test_all_is_text_and_fits_a_phone(
    base: str, served_page: ServedPage, make_run: Callable[..., Path]
) -> None:
    if os.name == "nt":
        pytest.skip("no such names there")
    make_run(HOSTILE.replace("/", "|"), *lines_of(OVERFIT, HOSTILE * 9), finish(160))
    (make_run("broken") / "config.json").write_text('{"<b>"')
    wide = "() => document.documentElement.scrollWidth > innerWidth"
    here = served_page.open(base, "#/watch", ".runs li:nth-child(2)")
    assert not here.evaluate(wide)
    here.click(".runs li:has(.finished) a.name")
    here.wait_for_selector(".table tbody tr:nth-child(4)")
    here.wait_for_selector(".next-steps li")
    assert not here.evaluate(wide)
    assert here.text_content("#panel-watch h1 bdi") == HOSTILE
    assert here.text_content(".sample p .text") == f"{HOSTILE * 9} 4"
    assert here.locator("#panel-watch img, #panel-watch b").count() == 0
    text = here.text_content("#panel-watch")
    assert not re.search(r"undefined|NaN|\[object|null", text)


def test_an_audit_is_asked_for(base: str, served_page: ServedPage, make_run: Callable[..., Path]) -> None:
    run = make_run("names", *lines_of(OVERFIT), finish(160))
    here = served_page.open(base, "#/watch&run=names", ".audit button")
    here.click(".audit button")
    here.wait_for_selector(".audit .wrong")
    assert "unspool audit DIR CORPUS" in here.text_content(".audit")  # it learnt texts that were in no file
    sentences = ["Good fit: it is.", "Longest passage shared with the training text: median 4."]
    copy = {"text": "xaby", "copied": 2, "span": "ab", "before": "(", "after": ")"}
    copying = {"verdict": "copying", "verbatim_share": 0.5, "samples": [copy]}
    found = {"sentences": sentences, "copying": copying}
    (run / "audit.json").write_text(json.dumps(found))
    here.reload()
    here.wait_for_selector(".audit .said")
    said = here.locator(".audit .said").all_text_contents()
    assert said == ["It copies its training text.", sentences[1]]
    assert here.text_content(".copies li") == "(ab)"
    assert "repeats its training text" in here.text_content(".next-steps")
