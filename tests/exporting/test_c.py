"""What C needs beside the contract: it compiles everywhere, reads and writes texts, and keeps its memory."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.exporting.cases import model_of
from tests.exporting.runners.c import STRICT, compiled
from unspool._artifacts.model_folder import SavedModel
from unspool._configuration import to_plain
from unspool._errors import ConfigError
from unspool._exporting.c import c_files
from unspool._exporting.c_literals import chosen, identifier, string
from unspool._exporting.exporter import ModelToExport
from unspool._model.generator import Generator
from unspool._network.conditions import schema_of
from unspool._network.quantization import rounded
from unspool._text.context import Attribute, ContextSchema

# Writes one text for each prompt of standard input, which are ended by 0: its length, as a line, and itself.
WRITER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

int main(int argc, char **argv) {
    static model_state state;
    static char prompts[65536], text[1 << 19];
    const size_t room = argc > 1 ? (size_t)atoi(argv[1]) : 0;
    const size_t size = fread(prompts, 1, sizeof prompts - 1, stdin);
    const model_options options = {TEMPERATURE, TOP_K, TOP_P, MIN_P, LEAST, 60};
    model_start(&state, 7, 0);
    CONDITIONS
    for (const char *prompt = prompts; prompt < prompts + size; prompt += strlen(prompt) + 1) {
        const ptrdiff_t written = model_write(&state, prompt, text, room, &options);
        printf("%ld\\n", (long)written);
        if (written > 0) fwrite(text, 1, (size_t)written, stdout);
    }
    return 0;
}
"""
SANITIZED = ["-std=c99", "-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
PLAIN = {
    "TEMPERATURE": "0.9f",
    "TOP_K": "0",
    "TOP_P": "1",
    "MIN_P": "0",
    "LEAST": "0",
    "SIZE": "4096",
    "CONDITIONS": "",
}


def folder_of(model: SavedModel, folder: Path, precision: str = "float32") -> Path:
    """Write the files of a model."""
    for name, content in c_files(ModelToExport(model, "model", precision)).items():
        (folder / name).write_bytes(content)
    return folder


def generator_of(model: SavedModel) -> Generator:
    return Generator(**{name: getattr(model, name) for name in SavedModel.__dataclass_fields__})


def writer(**words: str) -> str:
    """Return the program that writes texts, with options of sampling."""
    program = WRITER
    for word, value in {**PLAIN, **words}.items():
        program = program.replace(word, value)
    return program


def written_by(program: Path, prompts: list[str], size: int = 4096) -> list[bytes | int]:
    """Return the text of each prompt, or what is wrong."""
    given = b"".join(prompt.encode("utf-8", "surrogateescape") + b"\0" for prompt in prompts)
    rest = subprocess.run([program, str(size)], input=given, capture_output=True, check=True).stdout
    texts: list[bytes | int] = []
    while rest:
        line, _, rest = rest.partition(b"\n")
        length = int(line)
        texts.append(rest[:length] if length >= 0 else length)
        rest = rest[max(0, length) :]
    return texts


def texts_of(folder: Path, prompts: list[str], **words: str) -> list[bytes | int]:
    """Return the text that C writes for each prompt."""
    return written_by(compiled(folder, writer(**words)), prompts)


def expected_texts(model: SavedModel, prompt: str, count: int, **options: Any) -> list[bytes]:
    options = {"temperature": 0.9, "max_new_tokens": 60, "seed": 7, "n": count} | options
    return [one.text.encode() for one in generator_of(model).generate(prompt, **options)]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ({}, {}),
        ({"TEMPERATURE": "0"}, {"temperature": 0}),
        ({"TOP_K": "5"}, {"top_k": 5}),
        ({"TOP_P": "0.7"}, {"top_p": 0.7}),
        ({"MIN_P": "0.2f"}, {"min_p": 0.2}),
        ({"LEAST": "9"}, {"min_tokens": 9}),
        (
            {"TEMPERATURE": "1.3f", "TOP_K": "9", "TOP_P": "0.8", "MIN_P": "0.1f"},
            {"temperature": 1.3, "top_k": 9, "top_p": 0.8, "min_p": 0.1},
        ),
    ],
    ids=["plain", "greedy", "top_k", "top_p", "min_p", "min_symbols", "all"],
)
def test_it_writes_the_text_of_the_seed(words: dict[str, str], options: Any, tmp_path: Path) -> None:
    model = model_of("lstm-L2")
    wanted = expected_texts(model, "pl", 1000, **options)
    got = texts_of(folder_of(model, tmp_path), ["pl"] * 1000, **words)
    assert len(set(wanted)) > (0 if words == {"TEMPERATURE": "0"} else 500)
    assert sum(a == b for a, b in zip(got, wanted, strict=True)) >= 999


def test_of_equal_symbols_the_first_are_kept(tmp_path: Path) -> None:
    model = model_of("rnn-L1")
    model = replace(model, parameters={name: 0 * values for name, values in model.parameters.items()})
    got = texts_of(folder_of(model, tmp_path), [""] * 9, TOP_K="3")
    assert got == expected_texts(model, "", 9, top_k=3)


def test_int8_writes_the_text_of_the_rounded_model(tmp_path: Path) -> None:
    model = model_of("gru-L2")
    model = replace(model, parameters=rounded(model.parameters, "int8"))
    got = texts_of(folder_of(model, tmp_path, "int8"), ["pl"] * 1000)
    wanted = expected_texts(model, "pl", 1000)
    assert sum(a == b for a, b in zip(got, wanted, strict=True)) >= 995


def test_it_writes_words_and_bytes_as_unspool_does(tmp_path: Path) -> None:
    for case in ("words", "bytes", "regex", "bpe"):
        model = model_of(case)
        (tmp_path / case).mkdir()
        got = texts_of(folder_of(model, tmp_path / case), ["pl"] * 50)
        wanted = expected_texts(model, "pl", 50, unknown="replace")
        decoded = [text.decode("utf-8", "replace").encode() for text in got if isinstance(text, bytes)]
        assert sum(a == b for a, b in zip(decoded, wanted, strict=True)) >= 49


@pytest.mark.parametrize(
    ("case", "precision"), [("words", "int8"), ("bytes", "float32"), ("lstm-L1", "float32")]
)
def test_no_byte_beyond_its_own_is_touched(case: str, precision: str, tmp_path: Path) -> None:
    model = model_of(case)
    program = compiled(folder_of(model, tmp_path, precision), writer(TOP_K="4", TOP_P="0.9"), *SANITIZED)
    prompts = ["", "pl", "naïve 日本 👍🏽", "\udcff", "\udce2\udc82", "p\udc80", "p" * 5000, "\x01"]
    got = written_by(program, prompts)
    errors = [text if isinstance(text, int) else 0 for text in got]
    too_long, unknown, not_utf8 = -3, -1, -2
    assert (
        errors
        == {
            "lstm-L1": [0, 0, 0, not_utf8, not_utf8, not_utf8, too_long, unknown],
            "words": [0, 0, 0, not_utf8, not_utf8, not_utf8, 0, 0],
            "bytes": [0, 0, 0, 0, 0, 0, too_long, 0],
        }[case]
    )
    small = written_by(program, ["", "pl", "plain words"], size=9)
    assert small[2] == too_long
    assert [text for text in small[:2] if isinstance(text, int) or len(text) > 8] == []


def known_of(case: str) -> SavedModel:
    """Return the model of a case; one with a context has a number in it."""
    model = model_of(case)
    if case != "context":
        return model
    rest = tuple(f"r{i}" for i in range(schema_of(model.data).size - 4))
    attributes = (
        Attribute("kind", ("k0", "k1"), (1, 1)),
        Attribute("size", mean=0.7, deviation=0.4),
        Attribute('"rest"??/', rest, (1,) * len(rest)),
    )
    return replace(model, data=model.data | {"context": to_plain(ContextSchema(attributes))})


def conditioned(case: str) -> tuple[Generator, str]:
    """Return a model once something is known of its texts, and the C that says it."""
    model = generator_of(known_of(case))
    if case == "context":
        lines = [
            "float context[MODEL_CONTEXT] = {0};",
            'if (model_describe(context, "kind", "k0") < 0) return 1;',
            'if (model_describe(context, "kind", "k1") < 0) return 1;',
            'if (model_describe_number(context, "size", 1.5) < 0) return 1;',
            'if (model_describe(context, "kind", "k2") != MODEL_NO_ATTRIBUTE) return 1;',
            'if (model_describe(context, "size", "1") != MODEL_NO_ATTRIBUTE) return 1;',
            'if (model_describe_number(context, "kind", 1) != MODEL_NO_ATTRIBUTE) return 1;',
            'if (model_describe_number(context, "k", 1) != MODEL_NO_ATTRIBUTE) return 1;',
            'if (model_describe(context, "\\"rest\\"?" "?/", "r1") < 0) return 1;',
            "model_set_context(&state, context);",
            "model_set_context(&state, context);",
        ]
        return model.conditioned_on({"kind": "k1", "size": "1.5", '"rest"??/': "r1"}), "\n".join(lines)
    if case == "vector":
        lines = ["const float v[] = {0.3f, 1, -2}, other[] = {1, 1, 1};"]
        lines += ["model_set_vector(&state, other);", "model_set_vector(&state, v);"]
        return model.conditioned_on(vector=[0.3, 1, -2]), "\n".join(lines)
    lines = ['if (model_set_source(&state, "sdrow") < 0) return 1;']
    lines += ['if (model_set_source(&state, "\\x01") != MODEL_UNKNOWN) return 1;']
    return model.conditioned_on(source="sdrow"), "\n".join(lines)


@pytest.mark.parametrize("case", ["context", "vector", "pairs"])
def test_what_is_known_of_a_text_is_said(case: str, tmp_path: Path) -> None:
    model, says = conditioned(case)
    found = model.generate(n=50, temperature=0.9, max_new_tokens=60, seed=7)
    got = texts_of(folder_of(known_of(case), tmp_path), [""] * 50, CONDITIONS=says)
    assert sum(a == b.text.encode() for a, b in zip(got, found, strict=True)) >= 49


def test_an_answer_without_a_source_is_refused(tmp_path: Path) -> None:
    assert texts_of(folder_of(model_of("pairs"), tmp_path), [""]) == [-4]


@pytest.mark.parametrize(
    ("case", "precision"),
    [
        ("pairs", "int8"),
        ("words", "float32"),
        ("context", "float32"),
        ("vector", "int8"),
        ("tied_output", "int8"),
    ],
)
def test_it_is_cpp_too(case: str, precision: str, tmp_path: Path) -> None:
    options = ["-x", "c++", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O0"]
    folder = folder_of(model_of(case), tmp_path, precision)
    compiled(folder, (folder / "example.c").read_text(), *options, compiler="g++")


def test_the_example_is_clean_and_runs(tmp_path: Path) -> None:
    model = model_of("lstm-L1")
    folder = folder_of(model, tmp_path)
    program = compiled(folder, (folder / "example.c").read_text(), *STRICT, "-O1")
    done = subprocess.run([program, "pl", "7", "3"], capture_output=True, check=True)
    options = {"temperature": 0.8, "max_new_tokens": model.generation_config["max_new_tokens"]}
    assert done.stdout == b"".join(text + b"\n" for text in expected_texts(model, "pl", 3, **options))
    assert subprocess.run([program, "\x01"], capture_output=True, check=False).returncode == 1


SPLITTER = """
#include <stdio.h>
#include <string.h>

#include "model.h"

int main(void) {
    static char texts[1 << 20];
    const size_t size = fread(texts, 1, sizeof texts - 1, stdin);
    for (const char *text = texts; text < texts + size; ++text) {
        while (*text != 0) {
            const char *before = text;
            const int32_t symbol = model_symbol(&text);
            printf("%d:%d ", (int)symbol, (int)(text - before));
            if (text == before) return 1;
        }
        puts("");
    }
    return 0;
}
"""
# Letters with and without spaces between words, marks, joiners, apostrophes, parts of flags and emoji.
ALPHABET = [
    *"ab_3é 'Жक\t\n.!👍🏽👩🇩🇪🏴日の",
    *"\u0301\u200d\u200c\u2019\u0e01\u0e31\ufe0f\U000e0067\U000e007f\u00a0\u2028",
    "a" * 63,
    "\u0301" * 63,
]


def test_words_are_split_as_unspool_splits_them(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    codes = random.integers(1, 0x30000, 4000)
    strange = "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
    texts = ["".join(random.choice(ALPHABET, random.integers(1, 30))) for _ in range(400)]
    texts += ["a'" * 200, "a\u0301" * 200, "👩\u200d" * 200, "".join(map(chr, range(1, 0xD800))), strange]
    tokenizer = model_of("words").tokenizer
    program = compiled(folder_of(model_of("words"), tmp_path), SPLITTER)
    given = b"".join(text.encode() + b"\0" for text in texts)
    done = subprocess.run([program], input=given, capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    for text, line in zip(texts, lines, strict=True):
        pieces, ids = tokenizer.split(text), tokenizer.encode_texts([text], unknown="replace").ids
        assert line.split() == [f"{i}:{len(one.encode())}" for i, one in zip(ids, pieces, strict=True)]


def test_a_name_in_c_is_short_plain_and_not_taken() -> None:
    names = {"Names": "names", "Über uns 2": "uber_uns_2", "日本": "model", "9 lives": "model_9_lives",
             "string": "string_model", "__x*/": "x", "example": "example_model", "": "model",
             "a" * 40: "a" * 20}  # fmt: skip
    assert {name: identifier(name) for name in names} == names


def test_a_string_can_hold_anything(tmp_path: Path) -> None:
    content = bytes(range(1, 256)) + b'??/??="\\x41\\" %s */ // \n\r0' + "a\u202eb</script>日1".encode()
    program = '#include "model.h"\n#include <stdio.h>\nint main(void) { fputs(TEXT, stdout); return 0; }\n'
    assert string(content).isascii()
    folder = folder_of(model_of("rnn-L1"), tmp_path)
    program = compiled(folder, program.replace("TEXT", string(content)))
    assert subprocess.run([program], capture_output=True, check=True).stdout == content


def test_a_symbol_may_be_longer_than_a_string_of_c(tmp_path: Path) -> None:
    model = model_of("words")
    long = "日" * 1500
    symbols = [long, *model.tokenizer.symbols[1:-1]]
    tokenizer = unspool.WordTokenizer(symbols, unk=True)
    program = compiled(folder_of(replace(model, tokenizer=tokenizer), tmp_path), writer())
    got = written_by(program, [""] * 9, size=1 << 19)
    assert any(isinstance(text, bytes) and long.encode() in text for text in got)


def test_the_name_of_a_model_is_data(tmp_path: Path) -> None:
    files = c_files(ModelToExport(model_of("rnn-L1"), '*/ "x" \\\n??/ \u202e日'))
    assert sorted(files) == ["example.c", "x.c", "x.h"]
    header = files["x.h"].decode("ascii")
    assert 'X_NAME "*/ \\042x\\042 \\134\\012\\077\\077/ \\342\\200\\256' in header
    assert "model_" not in header.lower()


@pytest.mark.parametrize(
    "options",
    [
        {"repetition_penalty": 1.2},
        {"stop": ["."]},
        {"temperature": [0.2, 1]},
        {"temperature": 0.5, "top_k": 3, "samplers": ["top_k", "temperature"]},
        {"typical_p": 0.5},
        {"allow_unk": True},
    ],
)
def test_own_options_without_words_in_c_are_refused(options: dict[str, Any]) -> None:
    model = replace(model_of("words"), generation_config=options)
    with pytest.raises(ConfigError, match=f"c cannot say .*{list(options)[-1]}"):
        c_files(ModelToExport(model, "model"))


def test_own_options_are_the_defaults() -> None:
    options = {
        "temperature": 0.7,
        "top_k": 3,
        "top_p": 0.9,
        "min_p": 0.1,
        "min_tokens": 2,
        "max_new_tokens": 9,
    }
    files = c_files(ModelToExport(replace(model_of("rnn-L1"), generation_config=options), "model"))
    assert b"model_defaults = {0.7f, 3, 0.9, 0.1f, 2, 9};" in files["model.c"]


def test_a_template_keeps_what_is_known() -> None:
    template = "a\n//@if x\nb\n  //@if y\nc\n  //@else\nd\n  //@end\n//@put z\n//@end\n//@put z"
    assert chosen(template, {"x"}, {"z": "Z"}) == "a\nb\nd\nZ\nZ\n"
    assert chosen(template, {"y"}, {"z": "Z"}) == "a\nZ\n"


def test_the_example_of_the_page_is_clean_and_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "exporting.md").read_text("utf-8")
    body = page.split("```c\n", 1)[1].split("```", 1)[0].replace("Oil ", "pl")
    model = model_of("lstm-L1")
    for name, content in c_files(ModelToExport(model, "headlines")).items():
        (tmp_path / name.replace("headlines.c", "model.c")).write_bytes(content)
    includes = '#include <stdio.h>\n#include "headlines.h"\n'
    program = f'{includes}int main(void) {{\n{body}\nputs("|"); puts(text); return 0;\n}}\n'
    done = subprocess.run([compiled(tmp_path, program)], capture_output=True, check=True)
    options = {"temperature": 0.8, "seed": 0, "max_new_tokens": model.generation_config["max_new_tokens"]}
    second, first = done.stdout.split(b"|\n")
    assert first.rstrip(b"\n") == expected_texts(model, "pl", 1, **options)[0][:199]
    assert second == expected_texts(model, "", 2, **options)[1]
