"""Modules of the page on their own, in a browser: events, requests, calls, beginnings, spans."""

import json
import subprocess
from typing import Any

import pytest

from tests.serving.browser import ServedPage

pytestmark = pytest.mark.browser

NASTY = 'it\'s "$HOME" `x` \\ \u202e\u2028\u200b\x7f\x00 \U0001f600 \U000e0041\n\t!'
CALL = """async ([name, body]) => {
    const { callOf } = await import("/page/call.js");
    return callOf(name, { ...body, seed: 18446744073709551615n }, { base: "http://h/", keyed: false });
}"""
BODY = {
    "model": NASTY,
    "prompt": NASTY,
    "n": 2,
    "top_k": None,
    "unique": True,
    "contains": [NASTY, "b"],
    "context": {NASTY: "1"},
}


def called(here: Any, name: str) -> str:
    text: str = here.evaluate(CALL, [name, BODY])
    assert not {"\u202e", "\u2028", "\u200b", "\x7f", "\x00", "\U000e0041"} & set(text)
    return text


@pytest.fixture
def here(served_page: ServedPage, base: str) -> Any:
    return served_page.open(base)


def test_a_call_for_the_shell_is_quoted(here: Any) -> None:
    shell = called(here, "curl").replace("curl ", "printf '%s\\n' ", 1)
    said = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert json.loads(said[said.index("{") :]) == {**BODY, "seed": 2**64 - 1}


class Recorder:
    """Whatever is called, with what it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.choices = ()

    def __getattr__(self, name: str) -> Any:
        return self

    def __iter__(self) -> Any:
        return iter(())

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls.append((arguments, named))
        return self


def test_a_call_for_openai_s_client_is_quoted(here: Any) -> None:
    recorder = Recorder()
    exec(called(here, "openai").replace("from openai import OpenAI", ""), {"OpenAI": recorder})
    (_, client), (_, asked) = recorder.calls
    assert client == {"base_url": "http://h/v1", "api_key": "none"}
    assert asked.pop("extra_body") | asked == {**BODY, "seed": 2**64 - 1}


def test_a_call_for_python_is_quoted(here: Any) -> None:
    recorder = Recorder()
    exec(called(here, "unspool").replace("import unspool", ""), {"unspool": recorder})
    load, constraint, generate = recorder.calls
    assert load == ((NASTY,), {})
    assert constraint == ((), {"contains": [NASTY, "b"]})
    named = {"n": 2, "top_k": None, "unique": True, "context": {NASTY: "1"}, "seed": 2**64 - 1}
    assert generate == ((NASTY,), {**named, "constraint": recorder})


EVENTS = """async (parts) => {
    const { eventsOf } = await import("/page/api.js"), bytes = new TextEncoder();
    const body = new ReadableStream({ start(controller) {
        for (const part of parts) controller.enqueue(bytes.encode(part));
        controller.close();
    } });
    const found = [];
    for await (const one of eventsOf(body)) found.push([one.event, one.data, one.id]);
    return found;
}"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_events_are_read_however_they_are_cut(here: Any, end: str, size: int) -> None:
    lines = [
        ": hello",
        "",
        "event: point",
        "id: 7",
        'data: {"a": 1}',
        "",
        "data:x",
        "data: : y",
        "",
        "data: cut",
    ]
    text = end.join(lines)
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    assert here.evaluate(EVENTS, parts) == [["point", '{"a": 1}', "7"], ["message", "x\n: y", None]]


@pytest.mark.parametrize(
    ("text", "prompt", "beginning"),
    [
        ("Oil prices rise as demand grows", "Oil ", "Oil prices rise"),
        ("one two three", "", "one"),
        ("marina", "ma", "mari"),
        ("日本語の文章です", "", None),
        ("a", "", "a"),
        ("ab", "ab", "ab"),
    ],
)
def test_more_like_a_text_begins_with_a_third_of_it(
    here: Any, text: str, prompt: str, beginning: str | None
) -> None:
    script = """async ([text, prompt]) =>
        (await import("/page/beginning.js")).beginningOf(text, prompt)"""
    found = here.evaluate(script, [text, prompt])
    assert found == beginning or (beginning is None and text.startswith(found) and 0 < len(found) < len(text))


TOKEN = """async () => {
    const { api } = await import("/page/api.js"), right = api.token;
    api.token = "stale";
    const { status } = await api.remove("/api/trainings/none").catch((error) => error);
    return [status, right !== "", api.token === right];
}"""


def test_a_token_that_is_old_is_read_anew(served_page: ServedPage, base: str) -> None:
    served_page.refusals = True
    here = served_page.open(base)
    assert here.evaluate(TOKEN) == [404, True, True]


SCORE = """async ([text, symbols]) => {
    const { ServerService } = await import("/page/server_service.js");
    const api = { post: async () => ({ data: [{ symbols: symbols.map((symbol) => [symbol, 1]) }] }) };
    const answer = await new ServerService(api, "m").ask("score", { text, where: {} });
    return answer.symbols.map((one) => one.text);
}"""


@pytest.mark.parametrize(
    ("text", "symbols", "texts"),
    [
        (
            "one twö three",
            ["one", " ", "<unk>", " ", "three", "<eos>"],
            ["one", " ", "twö", " ", "three", ""],
        ),
        ("one x", ["one", " ", "<unk>", "<eos>"], ["one", " ", "x", ""]),
        ("aé", ["a", "\\xc3", "\\xa9", "<eos>"], ["a", "", "é", ""]),
    ],
)
def test_symbols_without_a_spelling_have_their_text(
    here: Any, text: str, symbols: list[str], texts: list[str]
) -> None:
    assert here.evaluate(SCORE, [text, symbols]) == texts


@pytest.mark.parametrize(
    ("served_page", "queue", "value"),
    [
        ({"locale": "en-GB"}, "64 wait", "top_k must be 1"),
        (
            {"locale": "zh-CN"},
            "排队的请求太多，请稍后再试（64 wait）",
            "请求中有一个值不被接受（top_k must be 1）",
        ),
    ],
    indirect=["served_page"],
)
def test_what_is_refused_is_said_in_the_language_of_the_page(here: Any, queue: str, value: str) -> None:
    said = here.evaluate(
        """async () => {
            const { refusalInWords } = await import("/page/refusal_words.js");
            const refusals = [{ message: "64 wait", code: "queue_full" },
                { message: "top_k must be 1", code: null },
                { message: "something new", code: "of_tomorrow" }];
            return refusals.map(refusalInWords);
        }"""
    )
    assert said == [queue, value, "something new"]
