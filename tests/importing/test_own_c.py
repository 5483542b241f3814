"""A C source comes back without a compiler; one that was changed, damaged or made to harm is one error."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unspool
from tests.exporting.cases import model_of
from tests.exporting.runners.c import STRICT, compiled
from unspool._artifacts.model_folder import SavedModel
from unspool._exporting.c import DESCRIPTION, c_files
from unspool._exporting.c_literals import comment
from unspool._exporting.exporter import ModelToExport
from unspool._importing import own_c
from unspool._importing.importers import import_path
from unspool._network.quantization import rounded

Change = Callable[[str], str]


def written(folder: Path, case: str = "gru-L1", precision: str = "float32", **changes: object) -> Path:
    """Write the C of a model, some fields of which are changed, and return the path of its source."""
    model = replace(model_of(case), **changes)
    for name, content in c_files(ModelToExport(model, "model", precision)).items():
        (folder / name).write_bytes(content)
    return folder / "model.c"


@pytest.mark.parametrize("name", [".", "model.c", "model.h"])
def test_the_folder_and_its_files_are_the_model(name: str, tmp_path: Path) -> None:
    written(tmp_path)
    assert import_path(tmp_path / name).kind == "c-export"


def test_the_source_is_enough(tmp_path: Path) -> None:
    path = written(tmp_path).rename(tmp_path / "alone.c")
    for name in ("model.h", "example.c"):
        (tmp_path / name).unlink()
    assert import_path(path).model.network == import_path(tmp_path).model.network


def test_another_layout_of_the_same_numbers_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "words", "int8")
    wanted = import_path(path).model
    text = re.sub(r", (?=-?\d)", ",\r\n\t", path.read_text()).replace("\n", "\r\n")
    path.write_text(text, newline="")
    got = import_path(path).model
    for name, array in wanted.parameters.items():
        np.testing.assert_array_equal(got.parameters[name], array)
    assert got.tokenizer == wanted.tokenizer


def strange() -> SavedModel:
    """Return a model whose symbols are what the source is read by."""
    symbols = [
        "/*", "*/", "//", "??/", "\\", " ", "\x7f", "👍", '"', "\n", "日",
        "\nstatic const float output_bias[] = {1.0f};", f"\n/* {DESCRIPTION}\n{{}}\n*/",
    ]  # fmt: skip
    size = model_of("lstm-L1").tokenizer.vocab_size - 3  # without <pad>, <unk>, <eos>
    symbols += [f"w{i}" for i in range(size - len(symbols))]
    return replace(model_of("lstm-L1"), tokenizer=unspool.WordTokenizer(symbols, unk=True))


def test_symbols_that_look_like_c_are_symbols(tmp_path: Path) -> None:
    wanted = strange()
    path = written(tmp_path, "lstm-L1", tokenizer=wanted.tokenizer)
    compiled(tmp_path, "int main(void) { return 0; }", *STRICT)
    assert import_path(path).model.tokenizer == wanted.tokenizer


# The nearest float32 of 7.038531e-26; rounded to 64 bits first, its digits end at the one above.
HALFWAY = np.nextafter(np.float32(7.0385313e-26), np.float32(0))
NUMBERS = [HALFWAY, -0.0, 1e-45, 3.4028235e38, 1.1754944e-38, 0.1, 16777216.0, -1e-7]


def test_every_float_comes_back_to_the_bit(tmp_path: Path) -> None:
    parameters = {name: array.copy() for name, array in model_of("gru-L1").parameters.items()}
    random = np.random.default_rng(6).integers(0, 0x7F800000, parameters["output.kernel"].shape, np.uint32)
    parameters["output.kernel"][:] = random.view(np.float32)  # of all magnitudes
    parameters["output.bias"][1 : 1 + len(NUMBERS)] = NUMBERS
    assert (str(HALFWAY), str(np.float32(float("7.038531e-26")))) == ("7.038531e-26", "7.0385313e-26")
    got = import_path(written(tmp_path, parameters=parameters)).model.parameters
    for name, array in parameters.items():
        np.testing.assert_array_equal(got[name].view(np.uint32), array.view(np.uint32), err_msg=name)


def test_numbers_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, wanted = written(tmp_path, precision="int8"), rounded(model_of("gru-L1").parameters, "int8")
    monkeypatch.setattr(own_c, "PIECE", 7)
    for name, array in import_path(path).model.parameters.items():
        np.testing.assert_array_equal(array, wanted[name], err_msg=name)


def sub(pattern: str, new: str) -> Change:
    """Return what replaces one place of a text."""

    def change(text: str) -> str:
        changed, count = re.subn(pattern, new, text, count=1)
        assert count == 1, pattern
        return changed

    return change


def said(*keys: str, to: object) -> Change:
    """Return what changes a value in the comment that says what the model is."""

    def change(text: str) -> str:
        begin = text.index(f"/* {DESCRIPTION}")
        values = json.loads("".join(text[begin:].splitlines()[1:-1]))
        part = values
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = to
        return text[:begin] + comment(DESCRIPTION, values) + "\n"

    return change


FIRST = r"(?<=output_bias\[\] = \{\n    )[^,]*"  # the first number of an array
TWICE = r"\g<0>\n\g<0>"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "expected a C source that unspool wrote, got 0 comments"),
        (lambda text: "", "got 0 comments"),
        (sub(r"/\* What(.|\n)*\*/", TWICE), "got 2 comments"),
        (sub(r"\n\*/", ""), "got 0 comments"),
        (sub(r"\{\"format_version\"", "\"format_version\""), "its last comment: expected JSON"),
        (said("format_version", to=2), "format_version: expected 1, got 2"),
        (said("network", "hidden_size", to=10), "numbers of type float"),
        (said("network", "hidden_size", to=65536), "numbers of type float"),
        (said("network", "num_layers", to=1024), "num_layers: expected arrays for every layer"),
        (said("network", "extra", to=1), "extra"),
        (said("network", to=3), "network"),
        (said("precision", to="int8"), "of type int8_t, got .* of type float"),
        (said("tokenizer", to=3), "tokenizer: expected an object, got int"),
        (said("tokenizer", to=None), "tokenizer: expected an object, got none"),
        (said("tokenizer", "kind", to="other"), "kind"),
        (said("tokenizer", "symbols", to=["a"]), "symbols of the tokenizers: expected 40 and None, got 3"),
        (said("source_tokenizer", to={}), "source_tokenizer"),
        (sub(r"output_bias", "output_bios"), "output_bias is missing"),
        (sub(r"static const float output_bias(.|\n)*?;", ""), "output_bias is missing"),
        (sub(r"static const float output_bias(.|\n)*?;", TWICE), "output_bias: expected each array once"),
        (sub("static const float output_bias", r"static const float x[] = {};\n\g<0>"), "x: expected the"),
        (sub(r"float output_bias", "int8_t output_bias"), "of type float, got .* of type int8_t"),
        (sub(FIRST, r"\g<0>, 1.0f"), "numbers of type float, got"),
        (sub(FIRST + ",", ""), "numbers of type float, got"),
        (sub(FIRST, ""), "number 1 of output_bias: expected a number as unspool spells it, got nothing"),
        (sub(FIRST, "1.0"), "number 1 of output_bias: .* got 1.0"),
        (sub(FIRST, "1.00f"), "got 1.00f"),
        (sub(FIRST, "0x1p3f"), "got 0x1p3f"),
        (sub(FIRST, "1_0.0f"), "got 1_0.0f"),
        (sub(FIRST, "1e39f"), "got 1e39f"),
        (sub(FIRST, 'system("true")'), "got system"),
        (sub(FIRST, "x" * 5000), "got x{40}$|got x{40};"),
        (sub(FIRST, "nanf"), "output.bias: expected finite numbers"),
        (sub(FIRST, "inff"), "output.bias: expected finite numbers"),
        (sub(FIRST, "1.0f /* x */"), "got 1.0f /"),
        (sub(r"output_bias\[\] = \{", r"\g<0>{"), "output_bias is missing"),
    ],
    ids=range(36),
)  # fmt: skip
def test_a_source_that_was_changed_is_one_error(change: Change, message: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(unspool.InputError, match=message):
        import_path(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sub(r"(?<=output_kernel\[\] = \{\n    )[^,]*", "128"), "number 1 of output_kernel: .* got 128"),
        (sub(r"(?<=output_kernel\[\] = \{\n    )[^,]*", "1.0f"), "got 1.0f"),
        (sub(r"(?<=output_kernel\[\] = \{\n    )[^,]*", "9" * 6000), "got 9{40}"),
        (sub(r"float output_kernel_scales", "float output_scales"), "output_kernel_scales is missing"),
        (
            sub(r"(?<=output_kernel_scales\[\] = \{\n    )[^,]*", "3e+38f"),
            "output.kernel: expected finite numbers",
        ),
    ],
    ids=range(5),
)
def test_integers_that_were_changed_are_one_error(change: Change, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, precision="int8")
    path.write_text(change(path.read_text()))
    with pytest.raises(unspool.InputError, match=message):
        import_path(path)


def test_a_cut_source_is_one_error_wherever_it_ends(tmp_path: Path) -> None:
    path = written(tmp_path, "rnn-L1")
    whole = path.read_bytes()
    for size in np.random.default_rng(1).integers(0, len(whole.rstrip()), 30):
        path.write_bytes(whole[:size])
        with pytest.raises(unspool.InputError):
            import_path(path)


def test_a_huge_source_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    monkeypatch.setattr(own_c, "MOST_DESCRIPTION", 100)
    with pytest.raises(unspool.ArtifactError, match="its last comment: expected at most 100 bytes"):
        import_path(path)
    monkeypatch.setattr(own_c, "MOST_TEXT", 100)
    path.write_text("x" * 101)
    with pytest.raises(unspool.ArtifactError, match="expected at most 100 bytes"):
        import_path(path)


def test_a_folder_with_several_sources_wants_a_name(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.with_name("main.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(unspool.ArtifactError, match=r"got main.c, model.c; name the file"):
        import_path(tmp_path)
    with pytest.raises(unspool.ArtifactError, match="got 0 comments"):
        import_path(path.with_name("main.c"))
    with pytest.raises(unspool.ArtifactError, match="expected one C source beside the example, got none"):
        own_c.source_of(tmp_path.parent)
