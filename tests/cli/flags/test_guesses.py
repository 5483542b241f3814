"""What people write by habit is answered with the right name, or works."""

from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from unspool._cli.app import COMMANDS, app
from unspool._cli.flags import guesses
from unspool._errors import ConfigError
from unspool._generation.options.keywords import generation_options

CONTEXT = click.Context(app)
COMMAND_OBJECTS = {name: command for name in COMMANDS if (command := app.get_command(CONTEXT, name))}
FLAGS = {flag for command in COMMAND_OBJECTS.values() for param in command.params for flag in param.opts}
METAVARS = {param.metavar for command in COMMAND_OBJECTS.values() for param in command.params}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("generate", "did you mean sample?"),
        ("finetune x", "did you mean train?"),
        ("trian x", "did you mean train?"),
        ("sample x --prompt a", "without a flag: unspool sample DIR [PROMPT]"),
        ("sample --model x", "without a flag: unspool sample DIR [PROMPT]"),
        ("sample x --length 9", "--length; it is --max-new-tokens here"),
        ("sample x --output y", "--output; it is --out here"),
        ("sample x --num_samples 9", "--num-samples; it is --n here"),
        ("enumerate x -n 9", "-n; it is --limit here"),
        ("train x --lr 1", "--lr; it is --learning-rate here"),
        ("train x -lr 1", "-lr; it is --learning-rate here"),
        ("train x --n_epochs 1", "--n-epochs; it is --epochs here"),
        ("train x --hiden-size 1", "did you mean --hidden-size?"),
        ("train x --zzzzzz 1", "No such option --zzzzzz; see unspool train --help"),
    ],
)
def test_an_unknown_word_is_answered_with_the_right_one(unspool: Run, line: str, answer: str) -> None:
    done = unspool(line.split())
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert answer in done.stderr


def test_every_answer_names_something_that_is_there() -> None:
    assert {f"--{flag}" for flags in guesses.FLAGS.values() for flag in flags} - FLAGS == set()
    assert set(guesses.ARGUMENTS.values()) <= {(metavar or "").strip("[].…") for metavar in METAVARS}
    assert set(guesses.COMMANDS.values()) <= set(COMMANDS)
    assert not set(guesses.COMMANDS) & set(COMMANDS)


def test_underscores_and_short_flags_work(unspool: Run, model: Path, tmp_path: Path) -> None:
    whole = ["--n", "3", "--temperature", "0.5", "--top-k", "4", "--max-new-tokens", "5", "--seed", "1"]
    short = ["-n", "3", "-t", "0.5", "--top_k", "4", "--max_new_tokens=5", "--seed", "1"]
    lines = unspool(["sample", str(model), *whole]).stdout
    assert lines == unspool(["sample", str(model), *short]).stdout != ""
    out = tmp_path / "texts.txt"
    assert unspool(["sample", str(model), *short, "-o", str(out)]).exit_code == 0
    assert out.read_text("utf-8") == lines
    assert unspool(["sample", str(model), *short, "--", "--top_k"]).stderr.count("unknown symbol") == 1


def test_the_help_begins_with_examples_and_the_flags_that_matter(unspool: Run) -> None:
    lines = unspool(["train", "--help"]).stdout.splitlines()
    assert lines.index("Examples:") < lines.index("Arguments:") < lines.index("Most used:") < 30
    used = lines[lines.index("Most used:") :]
    flags = [line.split()[0].strip(",") for line in used[1 : used.index("")] if line.startswith("  -")]
    assert flags == ["--minutes", "-o", "--text", "--source", "--epochs", "--hidden-size", "--resume"]


def test_an_unknown_name_in_python_is_answered_with_the_nearest_alone() -> None:
    with pytest.raises(ConfigError, match=r"^unknown option 'temprature'; did you mean 'temperature'\?$"):
        generation_options({"temprature": 1})
    with pytest.raises(ConfigError) as error:
        generation_options({"q" * 10_000: 1})
    assert "expected one of temperature, " in str(error.value)
    assert len(str(error.value)) < 300
