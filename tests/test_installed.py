"""A broken installation, an old Python or one of 32 bits: one sentence that says what to do."""

import ast
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unspool import _installed

PACKAGE = Path(_installed.__file__).parent
OLD = (3, 7)  # the oldest grammar that this Python can check against
PROGRAM = ["-c", "import unspool"]
COMMAND = ["-m", "unspool", "demo"]


def broken(folder: Path, native: bytes | None) -> Path:
    """Copy the package without its compiled module, or with these bytes in its place."""
    shutil.copytree(
        PACKAGE, folder / "unspool", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    )
    if native is not None:
        (folder / "unspool" / "_native.abi3.so").write_bytes(native)
    return folder


def run(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without any installed package."""
    command = [sys.executable, "-S", "-B", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "native", [None, b"", b"\x7fELF of another machine"], ids=["none", "empty", "foreign"]
)
def test_a_module_that_does_not_load_is_one_sentence(tmp_path: Path, native: bytes | None) -> None:
    folder = broken(tmp_path, native)
    program = run(folder, PROGRAM)
    last = program.stderr.splitlines()[-1]
    assert program.returncode == 1
    assert last.startswith("ImportError: the compiled module of unspool does not load (")
    assert "pip install --force-reinstall" in last
    command = run(folder, COMMAND)
    assert (command.returncode, command.stdout) == (2, "")
    assert command.stderr == last.removeprefix("ImportError: ") + "\n"


@pytest.mark.parametrize("command", [False, True])
def test_a_problem_ends_the_command_and_is_an_error_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: bool
) -> None:
    _installed.check()
    monkeypatch.setattr(_installed, "problem", lambda: "it does not work")
    monkeypatch.setattr(_installed, "is_command", lambda: command)
    with pytest.raises(SystemExit if command else ImportError) as caught:
        _installed.check()
    assert caught.value.args == ((2,) if command else ("it does not work",))
    assert capsys.readouterr().err == ("it does not work\n" if command else "")
    monkeypatch.setattr(_installed, "problem", lambda: "")
    _installed.check()


def test_what_the_system_says_is_shown_in_one_line_of_200_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        assert name == "unspool._native"
        raise ImportError("a  b\n" + "c" * 300)

    monkeypatch.setattr(importlib, "import_module", fail)
    assert _installed.problem() == (
        f"the compiled module of unspool does not load (a b {'c' * 196}); install it anew: "
        "pip install --force-reinstall --no-cache-dir unspool (in a clone: pip install -e .)"
    )


def test_what_the_system_says_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise ImportError("no\n" * 10_000)

    monkeypatch.setattr(importlib, "import_module", fail)
    assert "(no no no" in _installed.problem()
    assert len(_installed.problem()) < 400


def test_an_old_python_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    expected = "unspool needs Python 3.11 or newer, and this is Python 3.9; start it with a newer one"
    assert _installed.problem() == expected


@pytest.mark.parametrize("name", ["_installed.py", "__init__.py", "__main__.py"])
def test_an_old_python_can_read_what_refuses_it(name: str) -> None:
    ast.parse((PACKAGE / name).read_text("utf-8"), feature_version=OLD)


def test_a_python_of_32_bits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    expected = "unspool needs a 64-bit Python, and this one is for 32 bits; install a 64-bit one"
    assert _installed.problem() == expected


def test_another_program_that_imports_unspool_is_not_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-m"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "other"])
    assert not _installed.is_command()
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "unspool"])
    assert _installed.is_command()
    monkeypatch.setattr(sys, "argv", ["/usr/bin/unspool"])
    assert _installed.is_command()
    monkeypatch.setattr(sys, "argv", ["other.py"])
    assert not _installed.is_command()
