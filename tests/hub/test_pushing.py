"""Pushing to the Hub: what goes, as one commit, and what is refused in words."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import constants

import unspool
from tests.cli.conftest import run
from tests.hub.conftest import TEXTS
from tests.hub.fake_hub import Hub, Repo
from unspool._training.folder.counts_words import HEADING

PUSHED = {"README.md", "config.json", "generation_config.json", "metrics.jsonl", "model.safetensors",
          "tokenizer.json"}  # fmt: skip


def newest(hub: Hub, name: str = "somebody/names", branch: str = "main") -> dict[str, bytes]:
    repo = hub.repos[name]
    files = dict(repo.commits[repo.branches[branch]])
    files.pop(".gitattributes", None)
    return files


def push(folder: Path, *flags: str) -> str:
    done = run(["push", str(folder), "somebody/names", *flags])
    assert done.exit_code == 0, done.stderr
    return done.stdout + done.stderr


def test_what_is_pushed_is_loaded_and_is_the_same_model(hub: Hub, folder: Path) -> None:
    told = json.loads(run(["push", str(folder), "hf://somebody/names", "--json", "--license", "mit"]).stdout)
    assert newest(hub).keys() == PUSHED == told["files"].keys()
    repo = hub.repos["somebody/names"]
    assert (told["commit"], told["private"]) == (repo.branches["main"], False)
    assert told["place"] == "hf://somebody/names"
    assert told["url"] == f"{hub.endpoint}/somebody/names"
    pushed, local = unspool.load("hf://somebody/names"), unspool.load(folder)
    assert [text.text for text in pushed.generate(n=9, seed=1)] == [
        text.text for text in local.generate(n=9, seed=1)
    ]
    kinds = {line["kind"] for line in pushed.history}
    assert kinds == {"evaluation", "finish"}, "samples and steps stay here"


def test_a_push_is_one_commit_with_its_message_and_branch(hub: Hub, folder: Path) -> None:
    push(folder, "--license", "mit", "--revision", "v2", "--message", "Second try")
    repo = hub.repos["somebody/names"]
    assert repo.messages == ["", "Second try"]
    assert newest(hub) == {}
    assert newest(hub, branch="v2").keys() == PUSHED
    assert 'unspool.load("hf://somebody/names@v2")' in newest(hub, branch="v2")["README.md"].decode()
    push(folder, "--license", "mit", "--revision", "v2")  # nothing has changed
    push(folder, "--license", "apache-2.0", "--revision", "v2")
    assert unspool.load("hf://somebody/names@v2").num_parameters == unspool.load(folder).num_parameters


def test_what_only_the_older_model_had_is_removed_and_all_else_stays(hub: Hub, folder: Path) -> None:
    hub.put("somebody/names", {"source_tokenizer.json": b"{}", "picture.png": b"x", "config.json": b"{}"})
    push(folder)
    assert newest(hub).keys() == PUSHED | {"picture.png"}


def test_private_is_private(hub: Hub, folder: Path) -> None:
    assert "(private)" in push(folder, "--private")
    assert hub.repos["somebody/names"].private
    hub.repos["somebody/names"] = Repo()
    hub.repos["somebody/names"].commit("main", {})
    done = run(["push", str(folder), "somebody/names", "--private"])
    assert done.exit_code == 2
    assert "expected a private model, got one that all can see" in done.stderr
    assert newest(hub) == {}


def test_who_may_not_write_is_told_so(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for token, code in (("hf_reader", 403), (None, 401)):
        monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
        done = run(["push", str(folder), "somebody/names"])
        assert done.exit_code == 2
        assert f"the Hub does not allow it ({code})" in done.stderr
        assert "log in: hf auth login, or set HF_TOKEN" in done.stderr
        assert "hf_reader" not in done.stderr
    assert hub.repos == {}


def test_an_upload_that_fails_leaves_the_model_as_it_was(hub: Hub, folder: Path) -> None:
    hub.full = True
    done = run(["push", str(folder), "somebody/names"])
    assert done.exit_code == 2
    assert "the Hub does not allow it (403): got your storage is full" in done.stderr
    assert newest(hub) == {}


def test_no_network_is_told_so(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    done = run(["push", str(folder), "somebody/names"])
    assert done.exit_code == 2
    assert "hf://somebody/names: cannot reach http://127.0.0.1:9" in done.stderr


def test_what_cannot_be_pushed_is_refused(hub: Hub, folder: Path, tmp_path: Path) -> None:
    for arguments, message in (
        ([str(tmp_path), "a/b"], "has no model.safetensors"),
        ([str(folder), "names"], "expected hf://user/name"),
        (["hf://a/b", "a/c"], "expected a folder of this machine, got a place on the Hub"),
    ):
        done = run(["push", *arguments])
        assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
    assert hub.asked == []


def test_the_card_has_the_header_that_the_hub_reads(hub: Hub, folder: Path) -> None:
    assert "no licence is named" in push(folder)
    assert "no licence is named" not in push(folder, "--license", "cc-by-4.0", "--language", "en")
    card = newest(hub)["README.md"].decode()
    header = yaml.safe_load(card.split("---\n")[1])
    assert (header["license"], header["language"], header["library_name"]) == ("cc-by-4.0", ["en"], "unspool")
    assert {"unspool", "char-rnn", "text-generation", "lstm", "char"} == set(header["tags"])
    [index] = header["model-index"]
    [metric] = index["results"][0]["metrics"]
    best = [line for line in unspool.load(folder).history if line.get("best")][-1]
    assert metric["value"] == round(best["bits_per_character"], 4)
    assert metric["name"] == "bits per character, on held-out texts"
    assert 'unspool.load("hf://somebody/names")' in card
    assert "unspool sample hf://somebody/names --temperature 0.8" in card
    assert card.count("# names") == 1


def test_a_licence_that_was_named_stays(hub: Hub, folder: Path) -> None:
    push(folder, "--license", "cc-by-4.0")
    assert "no licence is named" not in push(folder)
    assert "license: cc-by-4.0" in newest(hub)["README.md"].decode()


def test_a_rounded_model_says_so(hub: Hub, folder: Path, tmp_path: Path) -> None:
    unspool.load(folder).quantized("int8").save(tmp_path / "small")
    push(tmp_path / "small")
    card = newest(hub)["README.md"].decode()
    [index] = yaml.safe_load(card.split("---\n")[1])["model-index"]
    name = "bits per character, on held-out texts, before its parameters were rounded to int8"
    assert index["results"][0]["metrics"][0]["name"] == name
    assert "They are kept in int8, " in card
    assert unspool.load("hf://somebody/names").quantization.precision == "int8"


def test_an_edited_card_goes_as_it_is_and_keeps_its_header(hub: Hub, folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "names"))
    (copy / "README.md").write_text("---\nlicense: mit\ntags: [mine]\n---\n# Mine: “é”\n", "utf-8")
    assert "no licence is named" not in push(copy)
    _, header, text = newest(hub)["README.md"].decode().split("---\n")
    assert text == "\n# Mine: “é”\n"
    header = yaml.safe_load(header)
    assert (header["license"], header["tags"], header["library_name"]) == ("mit", ["mine"], "unspool")
    push(copy, "--license", "apache-2.0")
    assert "license: apache-2.0" in newest(hub)["README.md"].decode()
    for broken in ("---\n[\n---\n# Mine\n", "---\nabc\n---\n# Mine\n"):
        (copy / "README.md").write_text(broken, "utf-8")
        done = run(["push", str(copy), "somebody/names"])
        assert (done.exit_code, "the header of README.md: expected YAML" in done.stderr) == (2, True)


def test_nothing_says_who_made_it(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "planted-user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "planted-user")
    monkeypatch.setattr("socket.gethostname", lambda: "planted-host")
    (home / "names.txt").write_text("anna\notto\nhanna\nada\nbob\n" * 12)
    (home / "held.txt").write_text("ann\nbo\n")
    flags = ["--epochs", "1", "--hidden-size", "8", "--threads", "1", "--novelty-index"]
    files = [str(home / "names.txt"), "--validation", str(home / "held.txt"), "--out", str(home / "run")]
    assert run(["train", *files, *flags]).exit_code == 0
    assert run(["audit", str(home / "run"), "--samples", "9"]).exit_code == 0
    push(home / "run")
    assert newest(hub).keys() == PUSHED
    for name, content in newest(hub).items():
        assert b"planted" not in content, name
        assert str(tmp_path).encode() not in content, name
    card = home / "run" / "README.md"
    card.write_text(card.read_text() + f"\nMade from {home}/names.txt\n")
    done = run(["push", str(home / "run"), "somebody/names"])
    assert done.exit_code == 2
    assert f"README.md says where it was made: expected no path of this machine, got {home}" in done.stderr


def test_a_run_of_version_0_1_forgets_its_path(hub: Hub, folder: Path, tmp_path: Path) -> None:
    copy = unspool.load(folder)
    data = {**copy.data, "records": {"source": "/home/planted-user/names.txt"}, "description": "x"}
    replace(copy, data=data).save(tmp_path / "old")
    push(tmp_path / "old")
    assert not [name for name, content in newest(hub).items() if b"planted" in content]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model with counts and an index of its texts."""
    path = tmp_path_factory.mktemp("hub") / "counted"
    sizes = {"hidden_size": 8, "epochs": 2, "threads": 1, "counts": 3, "validation_fraction": 0.3}
    unspool.train(TEXTS * 4, out=path, progress=False, novelty_index=True, **sizes)
    return path


COUNTED = ("counts.safetensors", "novelty.safetensors")


def test_what_tells_of_the_text_is_pushed_where_it_is_asked_for(hub: Hub, counted: Path) -> None:
    said = push(counted, "--license", "mit", "--with-counts", "--with-novelty-index")
    assert "left out" not in said
    assert newest(hub).keys() == {*PUSHED, *COUNTED}
    card = newest(hub)["README.md"].decode()
    model, pushed = unspool.load(counted), unspool.load("hf://somebody/names")
    assert HEADING in card
    assert pushed.counts is not None
    assert pushed.novelty_index is not None
    assert [text.text for text in pushed.generate(n=9, seed=1)] == [
        text.text for text in model.generate(n=9, seed=1)
    ]
    (line,) = [line for line in model.history if line["kind"] == "counts"]
    assert f"value: {round(line['bits_per_character'], 4)}" in card
    said = push(counted, "--license", "mit")
    assert newest(hub).keys() == PUSHED, "those of the push before are removed"
    assert HEADING not in newest(hub)["README.md"].decode()
    lost = line["network_bits_per_character"] - line["bits_per_character"]
    assert f"left out, whose worth is {lost:.4f} bits per character" in said
    assert "the index of the training texts is left out; to take it along: --with-novelty-index\n" in said
    assert unspool.load("hf://somebody/names").counts is None


@pytest.mark.parametrize("flag", ["--with-counts", "--with-novelty-index"])
def test_what_is_not_there_is_not_pushed(hub: Hub, folder: Path, flag: str) -> None:
    done = run(["push", str(folder), "somebody/names", flag])
    assert done.exit_code == 2
    assert "to take along: expected a model with" in done.stderr
    assert "somebody/names" not in hub.repos
