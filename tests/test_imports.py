"""Importing unspool, or asking for its help, loads nothing heavy: what is heavy waits until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from unspool._network.parameters import initialize

REPORT = "; print('LOADED', *sorted(name for name in sys.modules if name.count('.') < 2))"
COMMAND = (
    "import sys, contextlib, io; sys.argv = ['unspool', *{arguments!r}]\n"
    "from unspool._cli import main\n"
    "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as shown: main()\n"
    "assert {word!r} in shown.getvalue(), shown.getvalue()"
)
HEAVY = {"numpy", "torch", "safetensors", "tensorflow", "keras", "jax"}
# what takes its time, and no help and no facts about a model need
SELDOM = {
    "concurrent", "email", "http", "logging", "multiprocessing", "socket", "subprocess", "tempfile",
    "numpy.random",
}  # fmt: skip


def loaded_after(program: str) -> set[str]:
    """Run a program in a fresh interpreter and name the modules that it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", program + REPORT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("LOADED", 1)[1].split())


def seldom() -> set[str]:
    """Name what is seldom needed, but for what this Python and the packages load by themselves."""
    return SELDOM - loaded_after("import sys, click, numpy")


def test_importing_unspool_is_light() -> None:
    loaded = loaded_after("import sys, unspool")
    assert "unspool" in loaded
    assert loaded & (HEAVY | {"rich", "click"}) == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["sample", "--help"], ["sweep", "--help"]], ids=" ".join
)
def test_help_is_light(arguments: list[str]) -> None:
    loaded = loaded_after(COMMAND.format(arguments=arguments, word="Usage"))
    assert loaded & (HEAVY | seldom()) == set()


def test_the_facts_about_a_model_wait_for_little(tmp_path: Path) -> None:
    import unspool

    tokenizer = unspool.CharTokenizer(["a", "b"])
    network = unspool.NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 0))
    model.save(tmp_path / "model")
    loaded = loaded_after(COMMAND.format(arguments=["info", str(tmp_path / "model")], word="symbols"))
    assert "numpy" in loaded
    assert loaded & (seldom() | {"torch"}) == set()


def test_the_probe_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_after("import sys, numpy")


def test_every_public_name_is_there() -> None:
    missing = "missing = [name for name in unspool.__all__ if not hasattr(unspool, name)]"
    loaded_after(f"import sys, unspool\n{missing}\nassert not missing, missing")


def test_loading_a_model_does_not_wait_for_what_few_need() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, unspool._model; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    late = {"unspool._evaluation.audit.run", "unspool._generation.constraints.compiling"}
    assert "unspool._model" in loaded
    assert late & set(loaded) == set()
