"""``unspool cache``: large texts are encoded once, and the cache is seen and cleared."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TINY, Run
from unspool._text.encoding import cache as stream_cache


def test_the_next_run_takes_the_text_from_the_cache(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stream_cache, "LEAST_SOURCE", 100)
    train = ["train", str(corpus), "--epochs", "1", *TINY, "--out"]
    assert "cache" not in unspool([*train, str(tmp_path / "none"), "--no-reuse"]).stderr
    assert unspool(["cache"]).stdout == ""
    assert "cache" not in unspool([*train, str(tmp_path / "first")]).stderr
    assert "taken from the cache" in unspool([*train, str(tmp_path / "second")]).stderr
    resumed = unspool(["train", "--resume", str(tmp_path / "first")])
    assert resumed.exit_code == 0
    assert "taken from the cache" in resumed.stderr
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("none", "first", "second")]
    assert models[0] == models[1] == models[2]

    assert str(corpus) in unspool(["cache"]).stdout
    listed = json.loads(unspool(["cache", "--json"]).stdout)
    assert [entry["corpus"] for entry in listed["entries"]] == [str(corpus)]
    assert listed["freed"] == 0
    cleared = unspool(["cache", "--clear"])
    assert cleared.stdout == ""
    assert "Removed" in cleared.stderr
    assert json.loads(unspool(["cache", "--json"]).stdout)["entries"] == []


def test_a_part_of_the_held_out_text_is_named_in_the_end(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    done = unspool(
        ["train", str(corpus), "--epochs", "1", *TINY, "--out", str(tmp_path / "run"),
         "--max-validation-symbols", "60"]
    )  # fmt: skip
    assert done.exit_code == 0
    assert " held-out characters at step " in done.stdout
    assert "held-out characters measured" in (tmp_path / "run" / "README.md").read_text()
    assert ", on " in unspool(["info", str(tmp_path / "run")]).stdout
