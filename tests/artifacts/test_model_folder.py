"""A model folder: exact on the round trip, whole whatever happens to the writer, and each fault named."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.artifacts.models import change_json, make_model, same, save, seal
from tests.closed_folder import closed_folder
from tests.engines.variants import describe, networks
from unspool._artifacts import load_model
from unspool._artifacts.model_folder import CONFIG, MODEL, TOKENIZER
from unspool._configuration import to_dict
from unspool._errors import ArtifactError, ConfigError, InputError, TokenizerError
from unspool._network.config import NetworkConfig
from unspool._text.tokenizers.registry import CharTokenizer, WordTokenizer

FILES = ["README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208  (hidden files count as well)


@pytest.mark.parametrize("config", networks(), ids=describe)
def test_every_network_comes_back_as_it_was(tmp_path: Path, config: NetworkConfig) -> None:
    options = {name: value for name, value in to_dict(config).items() if name != "vocab_size"}
    model = make_model(1, symbols="etaoinshr", **{**options, "dropout": 0.25})
    save(tmp_path / "runs" / "deep", model)
    loaded = load_model(tmp_path / "runs" / "deep")
    assert same(loaded, model)
    assert loaded.generation_config == model.generation_config
    assert all(values.flags.writeable and values.flags.c_contiguous for values in loaded.parameters.values())
    assert listing(tmp_path / "runs" / "deep") == FILES


@pytest.mark.parametrize(
    "tokenizer",
    [CharTokenizer(["é", "\n", '"', "\\", "🎈", "\x00"]), WordTokenizer(["the", " "], unk=True)],
    ids=["char", "word"],
)
def test_every_tokenizer_comes_back_as_it_was(tmp_path: Path, tokenizer: Any) -> None:
    model = make_model(symbols="abcdefgh"[: tokenizer.vocab_size - 2])
    object.__setattr__(model, "tokenizer", tokenizer)
    save(tmp_path, model)
    assert load_model(str(tmp_path)).tokenizer == tokenizer


def test_saving_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, make_model())
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_files_that_wait_under_their_second_name_belong_to_the_model(tmp_path: Path) -> None:
    save(tmp_path, make_model())
    for name in ("config.json", "tokenizer.json"):  # the writer died after it had replaced the arrays
        (tmp_path / name).rename(tmp_path / f"{name}.next")
    assert same(load_model(tmp_path), make_model())


def test_a_model_replaces_another_and_leaves_the_rest(tmp_path: Path) -> None:
    save(tmp_path, make_model(0))
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    save(tmp_path, make_model(1, symbols="wxyz"), card="# Another\n")
    assert same(load_model(tmp_path), make_model(1, symbols="wxyz"))
    assert listing(tmp_path) == sorted([*FILES, "metrics.jsonl"])
    assert (tmp_path / "README.md").read_text() == "# Another\n"


def test_a_byte_of_a_name_that_is_not_utf_8_is_spelled(tmp_path: Path) -> None:
    model = make_model()
    model.data["source"] = "caf\udce9.csv"  # how Python spells a name that is not UTF-8
    save(tmp_path, model)
    assert load_model(tmp_path).data["source"] == r"caf\xe9.csv"


@pytest.mark.parametrize("symbols", ["abc", "uvwxyz"], ids=["same shapes", "other shapes"])
def test_a_writer_may_die_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, symbols: str
) -> None:
    """Let the writer die before each of its steps on the disk, once and again; then let it finish."""
    old, new, third = make_model(0), make_model(1, symbols=symbols), make_model(2, symbols="no")
    left = [0]

    def mortal(function: Any) -> Any:
        def act(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return function(*arguments, **options)

        return act

    monkeypatch.setattr(os, "fsync", mortal(os.fsync))
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, mortal(getattr(Path, name)))

    def survives(folder: Path, model: Any, steps: int) -> bool:
        left[0] = steps
        try:
            save(folder, model)
        except KeyboardInterrupt:
            return False
        return True

    seen = set()
    for steps in range(100):
        folder = tmp_path / str(steps)
        assert survives(folder, old, 1000)
        finished = survives(folder, new, steps)
        found = load_model(folder)
        assert same(found, new) or (same(found, old) and not finished)
        seen.add(same(found, new))
        for again in range(0, 16, 4):
            copy = tmp_path / f"{steps}-{again}"
            shutil.copytree(folder, copy)
            done = survives(copy, third, again)
            later = load_model(copy)
            assert same(later, third) or (same(later, found) and not done)
        if finished:
            break
    assert finished
    assert seen == {True, False}
    assert survives(folder, third, 1000)
    assert listing(folder) == FILES


def test_a_full_disk_is_said_and_the_old_model_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, make_model(0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"MB free, got No space left.*earlier model there is unharmed"):
        save(tmp_path, make_model(1))
    assert same(load_model(tmp_path), make_model(0))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot write"):
        save(tmp_path / "file", make_model())


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda m: m.parameters.pop("output.bias"), "'output.bias' is missing"),
        (lambda m: m.parameters.update(extra=np.zeros(1, np.float32)), "'extra' is not part of the network"),
        (
            lambda m: m.parameters.update({"output.bias": np.zeros(4, np.float32)}),
            r"shape \(5,\), got .*\(4,\)",
        ),
        (lambda m: m.parameters.update({"output.bias": np.zeros(5)}), "expected float32, got float64"),
        (lambda m: m.parameters["output.bias"].fill(np.nan), "expected finite numbers, got NaN or infinity"),
        (lambda m: m.training.update(rate=float("inf")), "cannot write config.json: expected plain JSON"),
        (lambda m: m.training.update(rate={1}), "cannot write config.json: expected plain JSON"),
        (
            lambda m: object.__setattr__(m, "tokenizer", CharTokenizer("ab")),
            "vocab_size: expected 4 .* got 5",
        ),
    ],
)
def test_what_does_not_fit_together_is_never_written(tmp_path: Path, break_it: Any, message: str) -> None:
    save(tmp_path, make_model(0))
    model = make_model(1)
    break_it(model)
    with pytest.raises(ArtifactError, match=message):
        save(tmp_path, model)
    assert same(load_model(tmp_path), make_model(0))


def refusal(folder: Path, error: type[InputError] = ArtifactError) -> str:
    with pytest.raises(error) as caught:
        load_model(folder)
    return str(caught.value)


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    assert "expected the folder of a model, got no such folder" in refusal(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "got a file" in refusal(tmp_path / "file")
    assert "has no model.safetensors" in refusal(tmp_path)
    for name in (CONFIG, TOKENIZER, MODEL):
        folder = tmp_path / name
        save(folder, make_model())
        (folder / name).unlink()
        assert f"has no {name}: expected" in refusal(folder)
        (folder / name).mkdir()
        assert "cannot read" in refusal(folder)


def test_advice_for_sampling_may_be_changed_or_left_out_but_not_in_silence(tmp_path: Path) -> None:
    save(tmp_path, make_model())
    change_json(tmp_path, "generation_config.json", "temperature", 0.5)
    with pytest.warns(UserWarning, match="was changed since the model was saved"):
        assert load_model(tmp_path).generation_config["temperature"] == 0.5
    (tmp_path / "generation_config.json").write_text("[")
    assert "generation_config.json: expected JSON" in refusal(tmp_path)
    (tmp_path / "generation_config.json").unlink()
    with pytest.warns(UserWarning, match="is missing since the model was saved"):
        assert load_model(tmp_path).generation_config == {}


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER])
def test_white_space_and_line_ends_are_nothing_but_content_is(tmp_path: Path, name: str) -> None:
    save(tmp_path, make_model())
    values = json.loads((tmp_path / name).read_text("utf-8"))
    text = json.dumps(dict(reversed(values.items())), indent=7, ensure_ascii=True).replace("\n", "\r\n")
    (tmp_path / name).write_text(text, newline="")
    assert same(load_model(tmp_path), make_model())
    change_json(tmp_path, name, "extra", 1)
    assert f"{name} and model.safetensors were not saved together" in refusal(tmp_path)


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, MODEL])
def test_a_file_of_another_model_is_noticed(tmp_path: Path, name: str) -> None:
    for seed, symbols in enumerate(["abc", "xyz"]):
        save(tmp_path / str(seed), make_model(seed, symbols=symbols))
    shutil.copy(tmp_path / "1" / name, tmp_path / "0" / name)
    assert "were not saved together" in refusal(tmp_path / "0")


@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        (
            CONFIG,
            ("format_version", 3),
            ArtifactError,
            "format_version: expected 1 or 2, got 3; a newer unspool",
        ),
        (CONFIG, ("format_version", "1"), ArtifactError, "format_version: expected 1 or 2, got '1'"),
        (CONFIG, ("format_version", True), ArtifactError, "format_version: expected 1 or 2, got True"),
        (CONFIG, ("format_version", 2), ArtifactError, "expected quantization in a file of version 2 alone"),
        (CONFIG, ("quantization", {"precision": "int8"}), ArtifactError, "version 2 alone, got version 1"),
        (CONFIG, ("format_version", None), ArtifactError, "format_version: expected 1 or 2, got None"),
        (CONFIG, ("network", None), ConfigError, "config.json: key 'network' is missing"),
        (CONFIG, ("network", []), ConfigError, "config.json: network must be an object"),
        (CONFIG, ("training", 3), ConfigError, "config.json: training must be an object"),
        (CONFIG, ("nework", {}), ConfigError, "unknown key 'nework'; did you mean 'network'"),
        (CONFIG, ("network.cell", "lstn"), ConfigError, "cell must be one of .*, lstm, .* got 'lstn'"),
        (CONFIG, ("network.hidden", 2), ConfigError, "unknown key 'hidden'"),
        (
            CONFIG,
            ("network.cell", "rnn"),
            ArtifactError,
            r"input_kernel'.*shape \(5, 2\), got shape \(5, 6\)",
        ),
        (
            CONFIG,
            ("network.reset_after", False),
            ArtifactError,
            "'layers.0.recurrent_bias' is not part of the",
        ),
        (CONFIG, ("network.num_layers", 2), ArtifactError, "'layers.1.input_kernel' is missing"),
        (
            CONFIG,
            ("network.num_layers", 1000),
            ArtifactError,
            "num_layers: expected arrays for every layer",
        ),
        (CONFIG, ("network.hidden_size", 60_000), ArtifactError, "got shape"),
        (CONFIG, ("network.vocab_size", 6), ArtifactError, "vocab_size: expected 5 .*got 6"),
        (TOKENIZER, ("symbols", ["a", "b"]), ArtifactError, "vocab_size: expected 4 .*got 5"),
        (TOKENIZER, ("symbols", ["a", "b", "b"]), TokenizerError, "there twice"),
        (TOKENIZER, ("kind", "bpo"), TokenizerError, "kind: expected one of char, word"),
        (TOKENIZER, ("format_version", 3), TokenizerError, "format_version: expected 1 or 2, got 3"),
    ],
)
def test_what_a_file_should_not_say_is_named(
    tmp_path: Path, name: str, change: tuple[str, object], error: type[InputError], message: str
) -> None:
    save(tmp_path, make_model())
    change_json(tmp_path, name, *change)
    seal(tmp_path, make_model().parameters)
    with pytest.raises(error, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format_version": 3}, "model.safetensors: format_version: expected 1 or 2, got 3; a newer unspool"),
        ({"format_version": 2}, "model.safetensors: format_version: expected 1, got 2"),
        ({"format_version": None}, "model.safetensors: format_version: expected 1 or 2, got None"),
        ({"fingerprints": []}, "were not saved together"),
        ({"fingerprints": {CONFIG: 3}}, "were not saved together"),
    ],
)
def test_what_the_metadata_should_not_say_is_named(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    save(tmp_path, make_model())
    seal(tmp_path, make_model().parameters, **content)
    assert message in refusal(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": NaN}', b"1" * 5000])
@pytest.mark.parametrize("name", [CONFIG, TOKENIZER])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, name: str, text: bytes) -> None:
    save(tmp_path, make_model())
    (tmp_path / name).write_bytes(text)
    assert f"{name}: expected" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["", "model"])
def test_a_model_without_the_right_to_read(tmp_path: Path, name: str) -> None:
    refused = pytest.raises(ArtifactError, match=r"cannot read .*closed.*: got Permission denied")
    with closed_folder(tmp_path) as closed, refused:
        load_model(closed / name)
