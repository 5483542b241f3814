"""Every command does its work, for people and as JSON."""

import json
import math
import re
import shutil
from pathlib import Path

import pytest

import unspool as library
from unspool._cli.app import COMMANDS
from unspool._text.corpora.registry import CORPORA

from .conftest import TEXTS, TINY, Run


def test_train_leaves_a_model_and_says_what_to_do_next(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unspool(["train", str(corpus), "--epochs", "1", *TINY])
    assert done.exit_code == 0
    assert "runs/headlines: " in done.stdout
    assert "unspool sample runs/headlines" in done.stdout
    assert library.load(tmp_path / "runs" / "headlines").network.hidden_size == 8
    assert "\x1b" not in done.stderr
    assert "bits/character" in done.stderr


def test_train_as_json_is_one_document(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), "--json", "--epochs", "1", *TINY])
    facts = json.loads(done.stdout)
    assert facts["network"]["hidden_size"] == 8
    assert facts["training"]["epochs"] == 1
    assert facts["data"]["description"] == corpus.name
    assert facts["evaluation"]["bits_per_character"] > 0
    assert facts["num_parameters"] == library.load(tmp_path / "run").num_parameters


def test_train_reads_columns_and_standard_input(unspool: Run, tmp_path: Path) -> None:
    table = tmp_path / "news.csv"
    table.write_text("label,title\n" + "".join(f"x,{text}\n" for text in TEXTS), "utf-8")
    common = ["--epochs", "1", "--json", *TINY]
    named = unspool(["train", str(table), "--text", "title", "--out", str(tmp_path / "a"), *common])
    numbered = unspool(["train", str(table), "--text", "1", "--out", str(tmp_path / "b"), *common])
    piped = unspool(["train", "-", "--out", str(tmp_path / "c"), *common], input="\n".join(TEXTS))
    figures = [json.loads(done.stdout)["evaluation"]["loss"] for done in (named, numbered, piped)]
    assert figures[0] == figures[1] == figures[2]


def test_train_takes_none_for_off_and_another_corpus_to_measure_with(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    off = ["--validation-fraction", "none", "--clip-norm", "NONE", "--normalization", "none", "--epochs", "1"]
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "a"), "--json", *off, *TINY])
    facts = json.loads(done.stdout)
    assert facts["training"]["validation_fraction"] is None
    assert facts["training"]["clip_norm"] is None
    assert facts["evaluation"]["loss"] is None
    assert facts["tokenizer"]["normalization"] is None
    given = ["--validation", str(corpus), "--epochs", "1"]
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "b"), "--json", *given, *TINY])
    assert json.loads(done.stdout)["data"]["sizes"]["validation"]["records"] == len(TEXTS)


def test_train_shows_samples_of_chosen_prompts_and_temperatures(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    chosen = ["--prompt", "oil ", "--prompt", "team ", "--temperature", "0", "--temperature", "0.5"]
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), "--epochs", "1", *chosen, *TINY])
    shown = [line.split(maxsplit=2)[:2] for line in done.stderr.splitlines() if line.startswith("  0")]
    assert shown == [["0:", "oil"], ["0:", "team"], ["0.5:", "oil"], ["0.5:", "team"]]


def test_a_finished_run_resumes_to_its_end(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    first = unspool(["train", str(corpus), "--out", out, "--json", "--epochs", "1", *TINY])
    again = unspool(["train", "--resume", out, "--json"])
    moved = unspool(["train", str(corpus), "--resume", "--out", out, "--json", "--threads", "2"])
    for done in (again, moved):
        assert json.loads(done.stdout)["evaluation"] == json.loads(first.stdout)["evaluation"]


def test_the_advice_to_go_on_is_a_command_that_works(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    first = unspool(["train", str(corpus), "--out", out, "--epochs", "2", *TINY])
    assert "Underfitting" in first.stdout
    (advice,) = [line.split() for line in first.stdout.splitlines() if "--resume" in line]
    assert advice == ["unspool", "train", "--resume", out, "--epochs", "4"]
    done = unspool(advice[1:])
    assert "changed: epochs 2 → 4" in done.stderr
    assert library.load(out).training["epochs"] == 4
    assert json.loads(Path(out, "metrics.jsonl").read_text("utf-8").splitlines()[-1])["epoch"] == 4


def test_a_run_whose_corpus_moved_takes_its_new_place(unspool: Run, tmp_path: Path) -> None:
    table, out = tmp_path / "news.tsv", str(tmp_path / "run")
    table.write_text("label\ttitle\n" + "".join(f"x\t{text}\n" for text in TEXTS), "utf-8")
    unspool(["train", str(table), "--text", "title", "--out", out, "--epochs", "1", *TINY])
    moved = table.rename(tmp_path / "moved.tsv")
    gone = unspool(["train", "--resume", out, "--epochs", "2"])
    assert (gone.exit_code, "news.tsv" in gone.stderr) == (2, True)
    assert unspool(["train", "--resume", out, str(moved), "--epochs", "2"]).exit_code == 0
    assert library.load(out).data["records"]["source"] == moved.name
    assert unspool(["train", "--resume", out, "--epochs", "3"]).exit_code == 0  # it knows the new place
    moved.write_text("label\ttitle\n" + "".join(f"x\t{text}\n" for text in TEXTS[1:]), "utf-8")
    other = unspool(["train", "--resume", out, str(moved), "--epochs", "4"])
    assert (other.exit_code, "the texts of the run" in other.stderr) == (2, True)


def test_sample_streams_one_text_and_lists_several(unspool: Run, model: Path) -> None:
    known = library.load(model)
    one = unspool(["sample", str(model), "oil ", "--seed", "3", "--temperature", "0.5"])
    assert one.stdout == known.generate("oil ", seed=3, temperature=0.5)[0].text + "\n"
    several = unspool(["sample", str(model), "oil ", "team ", "--n", "2", "--seed", "3"])
    texts = [
        generation.text for generation in known.generate(["oil ", "team "], n=2, seed=3, temperature=0.8)
    ]
    assert several.stdout.splitlines() == texts
    empty = unspool(["sample", str(model), "--seed", "1", "--max-new-tokens", "5"])
    assert len(empty.stdout) <= 6


def test_sample_takes_what_the_model_says_of_itself(unspool: Run, model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "copy")
    own = json.loads((copy / "generation_config.json").read_text("utf-8"))
    assert own["temperature"] == 0.8
    said = unspool(["sample", str(copy), "--seed", "3", "--n", "3", "--temperature", "0.8"])
    unsaid = unspool(["sample", str(copy), "--seed", "3", "--n", "3"])
    assert said.stdout == unsaid.stdout
    (copy / "generation_config.json").write_text(json.dumps(own | {"temperature": -1}), "utf-8")
    with pytest.warns(UserWarning, match=r"generation_config\.json was changed"):
        broken = unspool(["sample", str(copy)])
    assert broken.exit_code == 2
    assert "generation_config.json: temperature must be" in broken.stderr


def test_sample_takes_every_option_and_other_libraries_names(unspool: Run, model: Path) -> None:
    flags = ["--temp", "0.5,1.5", "--temperature-steps", "9", "--repeat-penalty", "1.2", "--typ-p", "0.9"]
    flags += ["--samplers", "typical_p;temp", "--stop", "zz", "--bad-words", "e", "--bad-words", "th"]
    flags += ["--logit-bias", "a=1.5", "--logit-bias", " =-inf", "--max-tokens", "30", "--seed", "1"]
    shown = unspool(["sample", str(model), "a", *flags])
    assert shown.exit_code == 0, shown.stderr
    (text,) = library.load(model).generate(
        "a", temperature=(0.5, 1.5), temperature_steps=9, repetition_penalty=1.2, typical_p=0.9,
        samplers=["typical_p", "temperature"], stop="zz", bad_words=["e", "th"],
        logit_bias={"a": 1.5, " ": -math.inf}, max_new_tokens=30, seed=1,
    )  # fmt: skip
    assert shown.stdout == text.text + "\n"
    flags = ["--best-of", "4", "--num-return-sequences", "1", "--seed", "1"]
    best = unspool(["sample", str(model), "a", *flags])
    assert best.stdout == library.load(model).generate("a", best_of=4, seed=1)[0].text + "\n"


def test_sample_as_json_tells_what_is_asked_for(unspool: Run, model: Path) -> None:
    flags = ["--json", "--logprobs", "2", "--echo", "--stop", "a", "--seed", "0"]
    (text,) = json.loads(unspool(["sample", str(model), "a", *flags]).stdout)
    assert len(text["prompt_logprobs"]) == 1
    assert [len(ids) for ids in text["alternatives"]["ids"]] == [2] * len(text["alternatives"]["logprobs"])
    assert {"stop_reason", "prompt_alternatives"} <= text.keys()


def test_sample_keeps_to_constraints(unspool: Run, model: Path) -> None:
    asked = [
        "--regex",
        "[a-z ]+",
        "--contains",
        "ate",
        "--contains",
        "win",
        "--excludes",
        "z",
        "--max-length",
        "20",
    ]
    done = unspool(["sample", str(model), "oil ", "--n", "4", "--seed", "1", *asked])
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert line.startswith("oil ")
        assert "ate" in line
        assert "win" in line
        assert len(line) <= 20
    streamed = unspool(["sample", str(model), "oil ", "--seed", "1", *asked])
    assert streamed.stdout.splitlines() == lines[:1]
    either = ["--choice", "late", "--choice", "game", "--scope", "continuation"]
    chosen = unspool(["sample", str(model), "oil ", "--n", "9", "--seed", "1", *either])
    assert set(chosen.stdout.split()) == {"oil", "late", "game"}


def test_sample_as_json(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "oil ", "--n", "3", "--seed", "3", "--top-k", "5", "--json"])
    known = library.load(model).generate("oil ", n=3, seed=3, temperature=0.8, top_k=5)
    for item, generation in zip(json.loads(done.stdout), known, strict=True):
        assert item["text"] == generation.text
        assert item["finish_reason"] == generation.finish_reason
        assert item["ids"] == generation.ids.tolist()
        assert item["total_logprob"] == pytest.approx(generation.total_logprob)


def test_score_gives_a_line_for_each_text(unspool: Run, model: Path, corpus: Path) -> None:
    scores = library.load(model).score(TEXTS)
    done = unspool(["score", str(model), str(corpus)])
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[1] for row in rows] == TEXTS
    for row, score in zip(rows, scores, strict=True):
        assert float(row[0]) == pytest.approx(score.bits_per_character, abs=1e-4)
    piped = unspool(["score", str(model), "-", "--json"], input="oil rise\nzzz Ω\n\n")
    assert piped.exit_code == 2
    piped = unspool(["score", str(model), "-", "--json", "--unknown", "drop"], input="oil rise\nΩ\n\n")
    items = json.loads(piped.stdout)
    assert [item["text"] for item in items] == ["oil rise", "Ω"]
    assert [item["unknown"] for item in items] == [0, 1]
    assert items[1]["bits_per_character"] is None


def test_eval_measures_a_corpus(unspool: Run, model: Path, corpus: Path) -> None:
    done = unspool(["eval", str(model), str(corpus), "--json"])
    expected = library.load(model).evaluate(TEXTS)
    found = json.loads(done.stdout)
    assert found["bits_per_character"] == pytest.approx(expected.bits_per_character)
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    plain = unspool(["eval", str(model), str(corpus)])
    assert f"{expected.bits_per_character:.4f}" in plain.stdout
    assert plain.stderr == ""


def test_eval_says_when_the_model_was_trained_on_one_document(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "run")
    unspool(["train", str(corpus), "--document", "--out", out, "--epochs", "1", *TINY])
    assert "--document" in unspool(["eval", out, str(corpus), "--unknown", "drop"]).stderr
    assert unspool(["eval", out, str(corpus), "--document"]).stderr == ""


def test_info_describes_a_model(unspool: Run, model: Path) -> None:
    shown = unspool(["info", str(model)]).stdout
    facts = json.loads(unspool(["info", str(model), "--json"]).stdout)
    assert f"{facts['num_parameters']:,}" in shown
    assert f"{facts['evaluation']['bits_per_character']:.4f}" in shown
    assert facts["tokenizer"]["vocab_size"] == facts["network"]["vocab_size"]


def test_info_names_a_damaged_line_of_the_metrics(unspool: Run, model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "run")
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "evaluation", "step": 1}\n')
    done = unspool(["info", str(folder)])
    assert done.exit_code == 2
    assert "metrics.jsonl" in done.stderr
    assert "line " in done.stderr


def test_info_passes_over_half_a_line_of_the_metrics(unspool: Run, model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "run")
    before = unspool(["info", str(model), "--json"]).stdout
    lines = (folder / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    half, torn = b'{"kind": "st' + lines[0], '{"kind": "sample", "text": "é'.encode()[:-1]
    strange = '{"kind": "sample", "text": "\u2028"}\n'.encode()  # a line end to some, but not to JSON
    (folder / "metrics.jsonl").write_bytes(b"".join([lines[0], half, strange, b"3\n", *lines[1:], torn]))
    assert json.loads(unspool(["info", str(folder), "--json"]).stdout) == json.loads(before) | {
        "folder": str(folder)
    }


@pytest.mark.parametrize("samples", [3, {"prompts": "x"}, {"prompts": [], "temperatures": 1}])
def test_resuming_names_a_damaged_configuration(
    unspool: Run, model: Path, tmp_path: Path, samples: object
) -> None:
    folder = shutil.copytree(model, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["data"]["samples"] = samples
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    done = unspool(["train", "--resume", str(folder)])
    assert done.exit_code == 2
    assert re.search("data[.:] ?samples", done.stderr)


def test_info_describes_a_corpus(unspool: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.txt"
    path.write_text("abba\nМир мир\n猫猫猫\n", "utf-8")
    census = json.loads(unspool(["info", str(path), "--json"]).stdout)
    assert census["records"] == 3
    assert census["characters"] == 14
    assert census["alphabet"] == 8
    assert census["most_frequent"][0] == ["猫", pytest.approx(3 / 14)]
    assert census["scripts"] == [
        ["Cyrillic", pytest.approx(6 / 13)], ["Latin", pytest.approx(4 / 13)], ["Han", pytest.approx(3 / 13)]
    ]  # fmt: skip
    assert census["lengths"]["shortest"] == 3
    assert census["lengths"]["median"] == 4
    assert census["lengths"]["longest"] == 7
    shown = unspool(["info", str(path)]).stdout
    assert "8 different characters" in shown
    assert "Cyrillic 46.2%" in shown


def test_info_shows_what_a_split_gives(unspool: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.txt"
    path.write_text("It rained. We stayed.\n今天很好。你好吗？\n", "utf-8")
    census = json.loads(unspool(["info", str(path), "--split", "sentences", "--json"]).stdout)
    assert (census["split"], census["records"]) == ("sentences", 4)
    assert (census["lengths"]["shortest"], census["lengths"]["longest"]) == (4, 10)
    assert "sentences   4" in unspool(["info", str(path), "--split", "sentences"]).stdout
    refused = unspool(["info", str(path), "--split", "words"])
    assert refused.exit_code == 2
    assert "one of sentences, or none" in refused.stderr


def test_corpora_lists_every_corpus_with_its_state(unspool: Run) -> None:
    rows = [line.split("\t") for line in unspool(["corpora"]).stdout.splitlines()]
    assert [row[0] for row in rows] == list(CORPORA)
    items = json.loads(unspool(["corpora", "--json"]).stdout)
    assert {item["name"]: item["state"] for item in items}["docstrings"] == "embedded"
    assert all(item["licence"] and item["size"] for item in items)


def test_demo_trains_and_ends_with_the_table(unspool: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "demo")
    done = unspool(["demo", "--out", out, "--minutes", "0.01", "--threads", "1"])
    assert done.exit_code == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    assert rows[0] == ["temperature", "text"]
    assert [row[0] for row in rows[1:]] == ["0.3", "0.8", "1", "1.3", "1.8"] * 3
    assert f"unspool sample {out}" in done.stdout
    again = unspool(["demo", "--out", out, "--minutes", "0.01", "--json"])
    samples = json.loads(again.stdout)["samples"]
    assert len(samples) == 15
    assert {sample["temperature"] for sample in samples} == {0.3, 0.8, 1.0, 1.3, 1.8}


def test_demo_overwrites_nothing_but_a_demo(unspool: Run, model: Path) -> None:
    done = unspool(["demo", "--out", str(model)])
    assert done.exit_code == 2
    assert "already holds a run" in done.stderr


def test_version(unspool: Run) -> None:
    assert unspool(["--version"]).stdout == f"unspool {library.__version__}\n"


def test_without_a_command_it_shows_its_help(unspool: Run) -> None:
    done = unspool([])
    assert done.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
