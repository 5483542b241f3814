"""The page in a real browser: it says what Python says, by mouse and by keyboard, and asks nobody else."""

from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.exporting.browser import Opened, chromium, opened
from tests.exporting.cases import PAIRS, TEXTS, VECTORS
from unspool import Generator
from unspool._evaluation.character_grid import LEVELS

pytestmark = pytest.mark.browser
__all__ = ["chromium", "opened"]

SEED = 7
NAME = "</script><!-- \"'\u202e\u2028 <b>x</b>"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def trained(texts: Any, **options: Any) -> Generator:
    return unspool.train(
        texts,
        progress=False,
        **({"hidden_size": 12, "epochs": 30, "learning_rate": 0.03, "seed": 1} | options),
    )


@pytest.fixture(scope="session")
def model() -> Generator:
    return trained(TEXTS, num_layers=2)


@pytest.fixture(scope="session")
def page(model: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.export("html", tmp_path_factory.mktemp("page") / "m.html")


def set_to(page: Any, **values: object) -> None:
    for name, value in values.items():
        page.fill(f"#{name}", str(value))


def texts_of(model: Generator, prompt: str = "", **options: Any) -> list[str]:
    return [
        str(one.text)
        for one in model.generate(prompt, **({"n": 4, "seed": SEED, "temperature": 0.8} | options))
    ]


def test_a_seed_gives_the_texts_of_python(opened: Opened, page: Path, model: Generator) -> None:
    here = opened.open(page)
    set_to(here, seed=SEED, count=6, maxNewTokens=40, prompt="pla")
    first = opened.write()
    assert first == texts_of(model, "pla", n=6, max_new_tokens=40)
    assert opened.write() == first  # a seed that was typed stays
    here.check("#fresh")
    assert opened.write() != first
    seed = here.input_value("#seed")
    here.click("#again")
    assert opened.written() == texts_of(model, "pla", n=6, max_new_tokens=40, seed=int(seed))


def test_the_other_samplers_are_those_of_python(opened: Opened, page: Path, model: Generator) -> None:
    here = opened.open(page)
    here.click("#more summary")
    set_to(here, seed=SEED, **{"option-topK": 3, "option-repetitionPenalty": 1.5, "option-stop": "o"})
    here.fill("#temperature", "1.3")
    assert here.text_content("#more-count") == "3 in use"
    options = {"top_k": 3, "repetition_penalty": 1.5, "stop": "o", "temperature": 1.3}
    assert opened.write() == texts_of(model, **options)


def test_bars_are_the_next_symbols_and_append_themselves(
    opened: Opened, page: Path, model: Generator
) -> None:
    here = opened.open(page)
    here.fill("#prompt", "plai")
    here.wait_for_selector('#bars li:first-child [aria-label^="Append n,"]')
    shares = here.eval_on_selector_all("#bars .share", "all => all.map(one => parseFloat(one.textContent))")
    wanted = [100 * chance for _, chance in model.next_symbols("plai", top=10)]
    assert shares == pytest.approx(wanted, abs=0.051)
    assert sum(shares) <= 100.5
    here.click("#bars li:first-child button")
    assert here.input_value("#prompt") == "plain"


def test_a_symbol_that_is_not_known_is_named(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    here.fill("#prompt", "pЖ")
    here.wait_for_selector("#next-note.wrong")
    assert '"Ж" (U+0416), character 2' in here.text_content("#next-note")
    here.fill("#prompt", "p")
    here.wait_for_selector("#bars li")
    assert here.text_content("#next-note") == ""


def test_a_text_is_coloured_by_the_surprisal_of_python(opened: Opened, page: Path, model: Generator) -> None:
    here, text = opened.open(page), "plain 日本 words"
    here.fill("#own", text)
    here.wait_for_selector("#figures[data-bits]")
    (score,) = model.score([text])
    assert float(here.get_attribute("#figures", "data-bits")) == pytest.approx(
        score.bits_per_character, abs=1e-4
    )
    titles = here.eval_on_selector_all("#coloured span", "all => all.map(one => one.title)")
    bits = [float(title.split()[-2]) for title in titles]
    exact = model.surprisal(text).bits.tolist()
    assert bits == pytest.approx(exact, abs=0.0051)
    classes = here.eval_on_selector_all("#coloured span", "all => all.map(one => one.className)")
    assert classes == [f"heat{sum(one >= least for least in LEVELS)}" for one in exact]
    assert (
        "".join(here.eval_on_selector_all("#coloured span", "all => all.map(one => one.textContent)"))
        == f"{text}∎"
    )


@pytest.mark.parametrize("opened", [{"reduced_motion": "no-preference"}], indirect=True)
def test_the_keyboard_alone_writes_and_stops(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    for _ in range(8):
        here.keyboard.press("Tab")
        if here.evaluate("() => document.activeElement.id") == "prompt":
            break
    assert here.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    here.keyboard.type("plain")
    reached = []
    for _ in range(30):
        here.keyboard.press("Tab")
        reached.append(here.evaluate("() => document.activeElement.id || document.activeElement.className"))
    assert {"temperature", "count", "maxNewTokens", "seed", "fresh", "write", "slow", "next-symbol"} <= set(
        reached
    )
    here.fill("#maxNewTokens", "100000")
    here.click("#more summary")
    here.fill("#option-minTokens", "100000")
    here.focus("#prompt")
    here.keyboard.press("Control+Enter")
    here.wait_for_selector("#texts[aria-busy]")
    here.keyboard.press("Escape")
    texts = opened.written()
    assert all(text.startswith("plain") and len(text) < 100000 for text in texts)
    assert here.text_content("#status").startswith("Stopped after")


def test_the_page_speaks_chinese(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    assert here.text_content("#texts-title") == "Texts"
    here.click("#lang-zh")
    assert here.text_content("#texts-title") == "文本"
    assert here.get_attribute("html", "lang") == "zh-CN"
    assert here.get_attribute("#lang-zh", "aria-pressed") == "true"
    assert "JavaScript 计算" in here.text_content("#foot") or "WebAssembly 计算" in here.text_content("#foot")


def test_a_link_keeps_the_settings(opened: Opened, page: Path, chromium: Any) -> None:
    here = opened.open(page)
    set_to(here, seed=SEED, count=2, prompt="a & b 日")
    here.fill("#temperature", "0.45")
    texts = opened.write()
    fragment = here.evaluate("() => location.hash")
    other = Opened(chromium.new_context(locale="zh-CN").new_page())
    there = other.open(page, fragment)
    assert there.text_content("#texts-title") == "文本"  # by the browser's language
    assert there.input_value("#prompt") == "a & b 日"
    assert not there.is_checked("#fresh")
    assert other.write() == texts
    there.context.close()


def test_it_works_without_workers_and_without_webassembly(
    opened: Opened, page: Path, model: Generator
) -> None:
    opened.page.add_init_script("delete globalThis.Worker;")
    here = opened.open(page, f"#engine=javascript&seed={SEED}")
    assert opened.write() == texts_of(model)
    assert "JavaScript" in here.text_content("#foot")


def test_hostile_names_and_symbols_stay_text(opened: Opened, tmp_path: Path) -> None:
    from unspool._exporting.exporters import export
    from unspool._model.saving import saved

    texts = ["</script> <!-- \u202e\u2028 \"' `${x}` <b>&amp;</b>", "<img src=x onerror=alert(1)>"] * 4
    model = trained(texts, tokenizer="word", hidden_size=8)
    path, _ = export(saved(model), "html", tmp_path / "m.html", name=NAME)
    here = opened.open(path)
    assert here.text_content("#name") == NAME
    set_to(here, seed=SEED, maxNewTokens=30)
    assert opened.write() == texts_of(model, max_new_tokens=30)
    here.fill("#own", texts[0])
    here.wait_for_selector("#coloured span")
    assert here.query_selector("b, img") is None
    symbols = here.eval_on_selector_all("#bars .glyph", "all => all.map(one => one.textContent)")
    assert not {"\u202e", "\u2028"} & set("".join(symbols))


def test_attributes_are_menus_and_numbers(opened: Opened, tmp_path: Path) -> None:
    about = [{"kind": f"k{i % 2}", "size": i * 1.5} for i in range(60)]
    records = [unspool.Record(TEXTS[i % 4], context=context) for i, context in enumerate(about)]
    model = trained(records)
    here = opened.open(model.export("html", tmp_path / "m.html"))
    menu, field = here.query_selector("#told select"), here.query_selector("#told input[type=number]")
    assert here.eval_on_selector_all("#told bdi", "all => all.map(one => one.textContent)") == [
        "kind",
        "size",
    ]
    menu.select_option("k1")
    field.fill("0.75")
    set_to(here, seed=SEED)
    assert opened.write() == texts_of(model, context={"kind": "k1", "size": "0.75"})


def test_pairs_have_a_source_and_vectors_their_numbers(opened: Opened, tmp_path: Path) -> None:
    pairs, vectors = trained(PAIRS), trained(VECTORS)
    here = opened.open(pairs.export("html", tmp_path / "pairs.html"))
    set_to(here, seed=SEED, source="sdrow nialp")
    assert opened.write() == texts_of(pairs, source="sdrow nialp", n=1, temperature=0)
    opened.page = here.context.new_page()
    here = opened.open(vectors.export("html", tmp_path / "vectors.html"))
    set_to(here, seed=SEED, vector="0.4, 1 -0.5")
    assert opened.write() == texts_of(vectors, vector=[0.4, 1, -0.5])


def test_texts_are_downloaded_and_copied(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    here.context.grant_permissions(["clipboard-read", "clipboard-write"])
    here.fill("#seed", str(SEED))
    texts = opened.write()
    with here.expect_download() as download:
        here.click("#download")
    assert download.value.suggested_filename == "model-7.txt"
    assert download.value.path().read_text("utf-8") == "\n".join(texts) + "\n"
    pasted = "() => navigator.clipboard.readText()"
    here.click("#copy-all")
    here.wait_for_selector("#status:has-text('Copied')")
    assert here.evaluate(pasted) == "\n".join(texts)
    here.click("[aria-label='Copy text 2']")
    here.wait_for_selector("#status:has-text('Copied')")
    here.click("#copy-link")
    here.wait_for_selector("#status:has-text('link')")
    assert here.evaluate(pasted) == f"{page.as_uri()}#seed=7"


ASK = """async () => {
    const refused = [], address = "http://127.0.0.1:9/";
    addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
    new Image().src = address;
    document.head.append(Object.assign(document.createElement("script"), { src: address }));
    document.body.append(Object.assign(document.createElement("iframe"), { src: address }));
    await fetch(address).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return refused.sort();
}"""


def test_its_own_rules_forbid_any_request(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    assert here.evaluate(ASK) == ["connect-src", "frame-src", "img-src", "script-src-elem"]
    assert all("Content Security Policy" in one for one in opened.said)
    opened.said.clear()
    opened.asked.clear()  # what this test asked for


@pytest.mark.parametrize("opened", [PHONE, PHONE | {"color_scheme": "dark"}], indirect=True)
def test_it_fits_a_phone(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    here.click("#more summary")
    opened.write()
    here.fill("#own", "plain " * 30)
    here.wait_for_selector("#coloured span")
    assert here.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    low = here.eval_on_selector_all(
        "button, select, input:not([type=checkbox]):not([type=range])",
        "all => all.filter(one => one.offsetParent && one.offsetHeight < 30).map(one => one.id)",
    )
    assert low == []  # a finger needs some room


def test_everything_has_a_name_that_can_be_read_aloud(opened: Opened, page: Path) -> None:
    here = opened.open(page)
    opened.write()
    nameless = here.eval_on_selector_all(
        "button, input, select, textarea",
        """all => all.filter(one => !one.textContent.trim() && !one.ariaLabel
            && ![...(one.labels ?? [])].some(label => label.textContent.trim())).map(one => one.id)""",
    )
    assert nameless == []
    assert here.get_attribute("#texts", "aria-live") == "polite"


def test_the_foot_says_that_the_weights_were_rounded_before(
    opened: Opened, model: Generator, tmp_path: Path
) -> None:
    model.quantized("int8").export("html", tmp_path / "m.html")
    said = "weights rounded to int8 before the export, kept in float32: it costs 0."
    assert said in (opened.open(tmp_path / "m.html").text_content("#foot") or "")
