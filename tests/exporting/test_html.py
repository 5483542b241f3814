"""The page as a file: nothing in it that a model could say to a browser, and colours that can be read."""

import base64
import hashlib
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.exporting.cases import model_of
from tests.exporting.runners.html import packed_text
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.html import FIRST, HARMLESS, MODULES, PAGE, html_files, packed, plain_title, script_of
from unspool._exporting.web_model import camel_case, wasm_module
from unspool._generation.options.generation_options import ROWS, SAMPLERS
from unspool._text.tokenizers.words import WordTokenizer

HOSTILE = (
    "</script>",
    "<!--",
    "<script>",
    '"',
    "'",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "`",
    "${x}",
    "]]>",
)
NAME = '</script><!-- "it\'s" \u202e\u2028 ${x} &amp; </title><img src=x onerror=alert(1)>'


def exported(name: str = NAME) -> ModelToExport:
    model = model_of("words")
    tokenizer = WordTokenizer([*HOSTILE, *"abcdefg"][: model.network.symbols - 3], unk=True)
    return ModelToExport(replace(model, tokenizer=tokenizer), name)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, str] = {}
        self.open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open = f"{tag} {dict(attrs).get('type', '')}".strip()

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        self.words[self.open] = self.words.get(self.open, "") + data


def test_what_comes_from_a_model_means_nothing_to_html() -> None:
    (content,) = html_files(exported()).values()
    page = content.decode()
    hostile = Elements(page)
    plain = Elements(next(iter(html_files(exported("plain")).values())).decode())
    assert hostile.found[4:] == plain.found[4:]  # the same elements, whatever the model says
    assert [tag for tag, _ in hostile.found].count("script") == 2
    assert hostile.words["title"] == plain_title(NAME)
    assert not {"\u202e", "\u2028"} & set(page)
    assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert(1)&gt;", "")


def test_the_packed_text_has_harmless_characters_alone() -> None:
    letters = set(packed(exported()))
    assert letters <= set(map(chr, range(33, 127))) - set("<>&`\"'\\")
    assert len(letters) == 85


def test_it_packs_the_engine_and_the_numbers() -> None:
    text = packed(exported()).encode().translate(bytes.maketrans(b",.:/", b"&<>`"))
    assert HARMLESS[ord("<")] == ord(".")
    content = zlib.decompress(base64.b85decode(text), -15)
    head = content[4 : 4 + int.from_bytes(content[:4], "little")]
    assert b"export async function load" in head
    assert b"export function serve" in head
    numbers = sum(values.size for values in model_of("words").parameters.values())
    assert len(content) - 4 - len(head) == 4 * numbers + len(wasm_module() or b"")


def test_the_page_allows_its_own_script_and_style_and_no_network() -> None:
    (content,) = html_files(exported("m")).values()
    elements = Elements(content.decode())
    (rules,) = [attributes["content"] for _, attributes in elements.found if "http-equiv" in attributes]
    assert rules is not None
    assert rules.startswith("default-src 'none';")
    for words in (elements.words["script module"], elements.words["style"]):
        digest = base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules
    for attributes in (attributes for _, attributes in elements.found):
        links = (attributes.get(name) for name in ("src", "href", "action") if name in attributes)
        assert all(link is not None and link.startswith("data:") for link in links)
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_ids_are_unique_and_labels_lead_to_fields() -> None:
    elements = Elements((PAGE / "page.html").read_text("utf-8"))
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in elements.found:
        if tag == "label" and "for" in attributes:
            assert attributes["for"] in ids


def test_both_languages_have_the_same_words() -> None:
    script = (PAGE / "words.js").read_text("utf-8")
    tables = re.findall(r"^const (?:ENGLISH|CHINESE) = \{\n(.*?)^\};", script, re.S | re.M)
    english, chinese = (re.findall(r"^  (\w+):", table, re.M) for table in tables)
    assert english == chinese
    used = re.findall(r'\bword\("(\w+)"', script_of(MODULES))
    used += re.findall(r'data-(?:word|label|hint)="(\w+)"', (PAGE / "page.html").read_text("utf-8"))
    assert set(used) <= set(english)
    assert "</script" not in script_of(FIRST)


def test_every_sampler_has_its_field_and_every_field_its_option() -> None:
    script = (PAGE / "settings.js").read_text("utf-8")
    (table,) = re.findall(r"^const OPTIONS = \{\n(.*?)^\};", script, re.S | re.M)
    fields = {"temperature", "maxNewTokens", *re.findall(r"^  (\w+):", table, re.M)}
    assert fields >= set(map(camel_case, SAMPLERS))
    assert fields <= set(map(camel_case, ROWS))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_by_at_least_four_and_a_half_to_one(scheme: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", (PAGE / "page.css").read_text("utf-8"), re.S)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", dark))
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent", "wrong") for ground in ("paper", "sheet")]
    pairs += [("ink", f"heat{level}") for level in range(1, 6)]
    pairs += [("on-hot", "heat6"), ("on-hot", "heat7"), ("on-accent", "accent")]
    for ink, ground in pairs:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["edge"], colours["sheet"]) >= 3  # of a field


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by the formula of WCAG 2."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_model_is_found_where_the_page_looks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "m.html"
    path.write_bytes(html_files(exported())["page.html"])
    assert packed_text(path).replace("\n", "") == packed(exported())
