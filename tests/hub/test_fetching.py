"""Loading from the Hub: what is fetched, what is refused in words, and the copy in the cache."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from huggingface_hub import constants

import unspool
from tests.cli.conftest import run
from tests.hub.fake_hub import Hub
from unspool._hub.fetching import FETCHED, METRICS, fetch
from unspool._hub.places import HubPlace
from unspool._training.folder import metrics

Files = dict[str, bytes]
PLACE = "hf://somebody/names"
NOT_REACHED = r"cannot reach http://127|HF_HUB_OFFLINE is set|answered with error 503"


def texts(model: unspool.Generator) -> list[str]:
    return [text.text for text in model.generate(n=5, seed=1)]


def fetched(hub: Hub) -> list[str]:
    """List what was downloaded since the last call."""
    names = [line.rpartition("/")[2] for line in hub.asked if line.startswith("GET") and "/resolve/" in line]
    hub.asked.clear()
    return sorted(names)


def test_the_files_of_a_model_alone_are_fetched_once(hub: Hub, files: Files, folder: Path) -> None:
    others = {"run.py": b"import os", "pytorch_model.bin": b"\x80", "checkpoint/last.safetensors": b"",
              "audit.json": b"{}", "README.md": b"# x"}  # fmt: skip
    hub.put("somebody/names", files | others)
    model = unspool.load(PLACE, threads=1)
    assert texts(model) == texts(unspool.load(folder, threads=1))
    assert fetched(hub) == sorted(set(FETCHED) & files.keys())
    assert model.history[-1]["kind"] == "finish"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unspool.load(PLACE)
    assert fetched(hub) == []
    assert METRICS == metrics.METRICS


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: Hub, files: Files) -> None:
    hub.put("somebody/names", files | {"extra": b""})
    first = hub.put("somebody/names", files)
    hub.put("somebody/names", {"README.md": b""})
    hub.repos["somebody/names"].branches["v1"] = first
    assert texts(unspool.load(f"{PLACE}@v1")) == texts(unspool.load(f"{PLACE}@{first}"))
    with pytest.raises(unspool.ArtifactError, match=f"{PLACE}@v2: the model has no revision v2"):
        unspool.load(f"{PLACE}@v2")


def test_a_new_commit_is_seen(hub: Hub, files: Files, tmp_path: Path) -> None:
    hub.put("somebody/names", files)
    unspool.load(PLACE)
    small = unspool.load(PLACE).quantized("int8")
    small.save(tmp_path / "small")
    hub.put("somebody/names", {path.name: path.read_bytes() for path in (tmp_path / "small").iterdir()})
    assert unspool.load(PLACE).quantization == small.quantization


@pytest.mark.parametrize("how", ["gone", "offline", "broken"])
def test_without_a_network_the_copy_is_taken_and_said(
    hub: Hub, files: Files, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.put("somebody/names", files)
    known = texts(unspool.load(PLACE))
    if how == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif how == "broken":
        hub.down = 503
    else:
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    with pytest.warns(UserWarning, match=f"{commit[:12]}, fetched earlier, is taken from the cache"):
        assert texts(unspool.load(PLACE)) == known
    with pytest.raises(unspool.ArtifactError, match=NOT_REACHED):
        unspool.load("hf://somebody/others")
    with pytest.raises(unspool.ArtifactError, match=NOT_REACHED):
        unspool.load(f"{PLACE}@v9")


def test_a_private_model_needs_a_token(hub: Hub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("somebody/names", files, private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    unspool.load(PLACE)
    for token in ("hf_stranger", None):
        monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
        with pytest.raises(
            unspool.ArtifactError, match=r"no such model, or it is private.*HF_TOKEN"
        ) as error:
            unspool.load(PLACE)
        assert "hf_stranger" not in str(error.value)


def test_a_hub_that_is_out_of_order_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.down = 503
    with pytest.raises(unspool.ArtifactError, match=r"the Hub answered with error 503.*try again later"):
        unspool.load(PLACE)
    hub.down = 403
    with pytest.raises(
        unspool.ArtifactError, match=r"the Hub does not allow it \(403\).*out of order.*log in"
    ):
        unspool.load(PLACE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.safetensors": None}, "is no model of unspool: expected the files config.json, "
         "tokenizer.json, model.safetensors, got no model.safetensors"),
        ({"config.json": b'{"model_type": "gpt2"}'}, "no model of unspool.*a config.json of another library"),
        ({"config.json": b"{"}, "expected JSON"),
        ({"config.json": b" " * (1 << 24) + b"{}"}, "config.json: expected at most 16,777,216 bytes"),
        ({"tokenizer.json": b" " * (1 << 25) + b"{}"}, "tokenizer.json: expected at most 33,554,432 bytes"),
        ({"model.safetensors": b"x" * (1 << 25)}, "model.safetensors: expected at most 16,7"),
        ({"model.safetensors": b"x" * 99}, "model.safetensors: header: expected at most"),
        ({"tokenizer.json": b"{}"}, "tokenizer.json and model.safetensors were not saved together"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused_in_words(
    hub: Hub, files: Files, change: dict[str, bytes | None], message: str
) -> None:
    changed = {name: content for name, content in (files | change).items() if content is not None}
    hub.put("somebody/names", changed)
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.load(PLACE)
    large = [name for name, content in changed.items() if len(content) > 1 << 23]
    assert not set(large) & set(fetched(hub)), "it is refused before it is fetched"


@pytest.mark.parametrize("name", ["counts.safetensors", "novelty.safetensors"])
def test_what_lies_beside_a_model_has_a_size_too(
    hub: Hub, files: Files, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unspool._hub.fetching.MOST_OF_BESIDE", 1000)
    hub.put("somebody/names", files | {name: b"x" * 1001})
    with pytest.raises(unspool.ArtifactError, match=f"{name}: expected at most 1,000 bytes, got 1,001"):
        unspool.load(PLACE)
    assert name not in fetched(hub)


def test_the_folder_is_that_of_one_commit(hub: Hub, files: Files) -> None:
    commit = hub.put("somebody/names", files)
    assert fetch(HubPlace("somebody/names")).name == commit


def test_every_command_takes_it(
    hub: Hub, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put("somebody/names", files)
    monkeypatch.chdir(tmp_path)
    Path("texts.txt").write_text("anna\notto\n" * 9)
    for line in (
        f"sample {PLACE} --seed 1", f"score {PLACE} texts.txt", f"eval {PLACE} texts.txt", f"info {PLACE}",
        f"enumerate {PLACE} --limit 2", f"quantize {PLACE} --to int8",
        f"audit {PLACE} texts.txt --samples 5 --out report",
        f"train texts.txt --init-from {PLACE} --out more --epochs 1 --threads 1",
    ):  # fmt: skip
        done = run(line.split())
        assert done.exit_code == 0, (line, done.stderr)
    assert (tmp_path / "names-int8" / "model.safetensors").is_file()
    assert json.loads(run(["info", PLACE, "--json"]).stdout)["folder"] == PLACE
    done = run(["audit", PLACE, "texts.txt"])
    assert (done.exit_code, "--out says where the report goes" in done.stderr) == (2, True)


def test_a_process_finds_the_hub_by_its_environment(hub: Hub, files: Files, tmp_path: Path) -> None:
    hub.put("somebody/names", files)
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "unspool", "sample", PLACE, "--seed", "1"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    wanted = run(["sample", PLACE, "--seed", "1"])
    assert done.stdout.decode() == wanted.stdout


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(unspool.ConfigError, match=r"need the package huggingface_hub.*\[hub\]"):
        unspool.load(PLACE)
