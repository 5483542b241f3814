"""Bad input ends with 2 and one line that says what was expected, what was found and what to do."""

from pathlib import Path

import pytest
from click.testing import Result

from tests.closed_folder import closed_folder
from unspool._errors import DivergenceError

from .conftest import TINY, Run


def the_line(done: Result) -> str:
    """Give the one line on standard error."""
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("unspool: ")
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["trian"], ["trian", "did you mean train?", "unspool --help"]),
        (["train"], ["no corpus", "named corpus", "--help"]),
        (["train", "--resume"], ["folder of a run"]),
        (["train", "--resume", "elsewhere/nosuch"], ["elsewhere/nosuch: no run to resume"]),
        (["train", "CORPUS", "--epochs", "x"], ["--epochs", "whole number or none", "'x'", "unspool train"]),
        (["train", "CORPUS", "--epochs", "0"], ["--epochs must be a whole number ≥ 1, or none; got 0"]),
        (
            ["train", "CORPUS", "--hidden-size", "-3"],
            ["--hidden-size must be a whole number from 1 to 65536"],
        ),
        (["train", "CORPUS", "--hidden-size", "9.5"], ["--hidden-size", "9.5"]),
        (["train", "CORPUS", "--cell", "lsmt"], ["cell", "lstm", "lsmt"]),
        (["train", "CORPUS", "--optimizer", "adagrad"], ["optimizer", "adamw", "adagrad"]),
        (["train", "CORPUS", "--schedule", "x"], ["schedule", "cosine", "'x'"]),
        (["train", "CORPUS", "--engine", "gpu"], ["engine", "cpu", "gpu"]),
        (["train", "CORPUS", "--tokenizer", "bpo"], ["tokenizer", "char, word", "bpo"]),
        (["train", "CORPUS", "--text", "title"], ["plain text", "no columns"]),
        (["train", "CORPUS", "--prompt", "Ω"], ["Ω"]),
        (["train", "CORPUS", "--normalization", "NFX"], ["normalization", "NFC", "NFX"]),
        (["train", "CORPUS", "--hiden-size", "3"], ["--hiden-size", "--hidden-size"]),
        (["train", "no/such/file.txt"], ["no/such/file.txt", "no such file"]),
        (["train", "docstring"], ["did you mean", "docstrings"]),
        (["train", "--resume", "MODEL", "--tokenizer", "word"], ["--tokenizer", "--resume"]),
        (["train", "--resume", "MODEL", "--text", "title"], ["--text", "--resume"]),
        (["train", "--resume", "MODEL", "--hidden-size", "9"], ["--hidden-size", "expected 8", "got 9"]),
        (
            ["train", "--resume", "MODEL", "--epochs", "1"],
            ["epochs", "more than the 2", "got 1", "--epochs 3"],
        ),
        (["train", "--resume", "--overwrite", "MODEL"], ["--overwrite", "--resume"]),
        (["train", "CORPUS", "--out", "MODEL"], ["already holds a run", "--resume", "--overwrite"]),
        (["sample"], ["DIR", "unspool sample --help"]),
        (["sample", "no/such/folder"], ["no/such/folder", "unspool train"]),
        (["sample", "MODEL", "--temperature", "-1"], ["temperature", "≥ 0", "-1"]),
        (["sample", "MODEL", "--temperature", "nan"], ["temperature", "finite", "nan"]),
        (["sample", "MODEL", "--temperature", "0.2,x"], ["--temperature", "0.2,x"]),
        (
            ["sample", "MODEL", "--temp", "1", "--temperature", "2"],
            ["--temperature and --temp mean the same"],
        ),
        (["sample", "MODEL", "--samplers", "top_q"], ["samplers", "typical_p", "top_q"]),
        (["sample", "MODEL", "--logit-bias", "a"], ["--logit-bias", "'a'"]),
        (["sample", "MODEL", "--logit-bias", "ab=1"], ["--logit-bias", "single symbols", "'ab'"]),
        (
            ["sample", "MODEL", "--best-of", "1", "--n", "2"],
            ["--best-of must be a whole number ≥ n (2), or none; got 1"],
        ),
        (["sample", "MODEL", "--n", "0"], ["--n must be a whole number ≥ 1; got 0"]),
        (["sample", "MODEL", "--max-new-tokens", "0"], ["--max-new-tokens must be"]),
        (["sample", "MODEL", "Ω"], ["Ω"]),
        (["sample", "MODEL", "--regex", "a("], ["regex 'a('", "at character 2"]),
        (["sample", "MODEL", "--regex", "(a)\\1"], ["a backreference"]),
        (["sample", "MODEL", "--ends-with", "Ω"], ["--ends-with 'Ω'", "does not know"]),
        (["sample", "MODEL", "oil", "--starts-with", "team"], ["prompt 'oil'", "scope 'continuation'"]),
        (["sample", "MODEL", "--min-length", "201"], ["--max-new-tokens for prompt", "at least 201", "200"]),
        (
            ["sample", "MODEL", "--min-length", "3", "--max-length", "2"],
            ["--min-length must be at most --max-length"],
        ),
        (["sample", "MODEL", "--scope", "line"], ["scope", "continuation", "line"]),
        (["sample", "MODEL", "a", "--unknown", "guess"], ["--unknown", "guess"]),
        (["score", "MODEL", "no/such/file"], ["no such file"]),
        (["eval", "MODEL", "unicode-names"], ["record"]),
        (["info", "no/such/thing"], ["no/such/thing"]),
        (["demo", "--epochs", "0"], ["epochs"]),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_one_line_says_it_all(  # noqa: PLR0917 - fixtures
    unspool: Run,
    corpus: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    parts: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"CORPUS": str(corpus), "MODEL": str(model)}
    line = the_line(unspool([names.get(argument, argument) for argument in arguments]))
    assert [part for part in parts if part not in line] == []
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_a_line_end_stays_on_one_line(unspool: Run) -> None:
    line = the_line(unspool(["info", "no\nsuch\x1b[31mfile"]))
    assert "\x1b" not in line


def test_a_folder_that_cannot_be_written_is_an_error(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "file" / "run"), "--epochs", "1", *TINY])
    assert done.exit_code == 2
    assert "file/run" in done.stderr.splitlines()[-1]


def test_divergence_ends_with_one(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*arguments: object, **options: object) -> None:
        raise DivergenceError(
            "the loss is nan at step 3; start again with a lower learning_rate, or clip_norm 1"
        )

    monkeypatch.setattr("unspool._running.run.train_loop", diverge)
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), *TINY])
    assert done.exit_code == 1
    advice = "start again with a lower --learning-rate, or --clip-norm 1"  # as flags, where a command was run
    assert done.stderr.splitlines()[-1] == f"unspool: the loss is nan at step 3; {advice}"


def test_a_remark_on_an_option_speaks_of_its_flag(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unspool._network.memory.MUCH", 1)
    run = str(tmp_path / "run")
    done = unspool(["train", str(corpus), "--out", run, "--epochs", "1", *TINY])
    assert "a smaller --sequence-length or --batch-size takes less" in " ".join(done.stderr.split())
    more = unspool(["train", "--resume", run, "--epochs", "2", "--learning-rate", "0.01"])
    assert "changed: epochs 1 → 2, --learning-rate 0.02 → 0.01" in " ".join(more.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["train", "nosuch.csv", "--text", "title", "--out", "MODEL"], "nosuch.csv: no such file"),
        (["train", "nosuch", "--text", "title", "--out", "MODEL"], "nosuch: no such file"),
        (["train", "TABLE", "--text", "headline", "--out", "MODEL"], "headline"),
        (["train", "TABLE", "--text", "headline", "--out", "MODEL", "--minutes", "1"], "headline"),
        (["train", "TABLE", "--text", "title", "--out", "MODEL"], "already holds a run"),
    ],
)
def test_the_corpus_is_looked_at_before_the_folder(
    unspool: Run, model: Path, tmp_path: Path, arguments: list[str], part: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("title,label\none,x\ntwo,y\n", "utf-8")
    names = {"TABLE": str(table), "MODEL": str(model)}
    assert part in the_line(unspool([names.get(argument, argument) for argument in arguments]))


def test_a_bug_is_not_hidden(unspool: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("unspool._model.Generator.stream", fail)
    with pytest.raises(ZeroDivisionError):
        unspool(["sample", str(model)])


def test_a_network_that_no_memory_holds_is_one_line(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*arguments: object) -> None:
        raise MemoryError("Unable to allocate 834. GiB")

    monkeypatch.setattr("unspool._fine_tuning.initialize", too_large)
    done = unspool(["train", str(corpus), "--out", str(tmp_path / "run"), *TINY])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("unspool: not enough memory: Unable to allocate 834. GiB;")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [["info"], ["train", "--resume"], ["sample"], ["eval"]], ids=" ".join)
@pytest.mark.parametrize("below", ["", "run"])
def test_what_may_not_be_looked_at_is_named_as_it_was_given(
    unspool: Run, tmp_path: Path, arguments: list[str], below: str
) -> None:
    with closed_folder(tmp_path) as closed:
        given = str(closed / below)
        more = [str(tmp_path / "any.txt")] if arguments == ["eval"] else []
        line = the_line(unspool([*arguments, given, *more]))
    assert line.startswith(f"unspool: cannot read {given}: got Permission denied")
