"""What ``unspool serve`` says when it starts and stops, and what it refuses before that."""

import importlib.util
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import unspool
from unspool._cli.commands import serve
from unspool._extras import install_command

LAST = "Ctrl-C stops it, and lets running texts finish; a second one stops it at once"
OPEN = "Whoever can reach this address may use them: no key is asked for (--no-auth)"


def server(**changes: Any) -> Any:
    facts = {"is_local": True, "keys": (), "writing": 0, "limits": SimpleNamespace(stop_seconds=2.5)}
    return cast("Any", SimpleNamespace(**facts | changes))


@pytest.mark.parametrize(
    ("changes", "models", "lines"),
    [
        ({}, {}, ["Serving 0 models at ADDRESS", "  none yet: what is trained into these folders is served"]),
        ({}, {"a\nb": Path("runs/a\nb")}, ["Serving 1 model at ADDRESS", "  a⏎b  runs/a⏎b"]),
        (
            {"is_local": False},
            {"a": Path("x/a"), "long": Path("x/long")},
            ["Serving 2 models at ADDRESS", "  a     x/a", "  long  x/long", OPEN],
        ),
        ({"is_local": False, "keys": (b"k",)}, {"a": Path("a")}, ["Serving 1 model at ADDRESS", "  a  a"]),
        (
            {},
            {f"m{n:02}": Path(f"r/{n}") for n in range(20)},
            ["Serving 20 models at ADDRESS", *(f"  m{n:02}  r/{n}" for n in range(20))],
        ),
        (
            {},
            {f"m{n:02}": Path(f"r/{n}") for n in range(21)},
            ["Serving 21 models at ADDRESS", *(f"  m{n:02}  r/{n}" for n in range(20)), "  and 1 more"],
        ),
    ],
    ids=["none", "one", "open", "with a key", "many", "too many"],
)
def test_the_start_lists_the_models(
    changes: dict[str, Any], models: dict[str, Path], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    serve.tell_start(server(**changes), models, "ADDRESS", as_json=False)
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()) == ("", [*lines, LAST])
    serve.tell_start(server(**changes), models, "ADDRESS", as_json=True)
    shown = capsys.readouterr()
    event = {"event": "started", "address": "ADDRESS", "models": list(models), "pid": os.getpid()}
    assert (json.loads(shown.out), shown.out.count("\n"), shown.err) == (event, 1, "")


def test_the_stop_says_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    serve.tell_stop(server(), as_json=False)
    assert capsys.readouterr() == ("", "")
    serve.tell_stop(server(writing=3), as_json=False)
    assert capsys.readouterr() == ("", "Running requests: 3; waiting at most 2.5 s for them\n")
    serve.tell_stop(server(writing=3), as_json=True)
    assert capsys.readouterr() == ('{"event": "stopping", "running": 3}\n', "")


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_a_port_is_a_number_of_sixteen_bits(port: int) -> None:
    assert serve.checked_port(port) == port


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_other_number_is_a_port(port: int) -> None:
    wanted = f"port must be a whole number from 0 to 65535; got {port}"
    with pytest.raises(unspool.ConfigError, match=f"^{wanted}$"):
        serve.checked_port(port)


@pytest.mark.parametrize(
    ("is_local", "guarded"), [(True, False), (True, True), (False, True), (False, False)]
)
def test_nobody_serves_the_network_without_having_said_so(is_local: bool, guarded: bool) -> None:
    if is_local or guarded:
        serve.check_open("0.0.0.0", is_local=is_local, guarded=guarded)
        return
    with pytest.raises(unspool.ConfigError) as error:
        serve.check_open("0.0.0.0", is_local=is_local, guarded=guarded)
    assert str(error.value) == (
        "host must be 127.0.0.1, or a key; got 0.0.0.0 without a key; give --api-key-file FILE, or "
        "--no-auth to let everybody in"
    )


def test_a_folder_is_one_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve.checked_folder(".") == Path()
    Path("x").mkdir()
    Path("x/a").write_text("x", "utf-8")
    hint = "name the folder of a model, or a folder with such folders, such as runs"
    made = "; unspool train CORPUS --out x/b/NAME makes one, and so does mkdir x/b, to train in the page"
    for name, got, more in (("x/a", "a file", ""), ("x/b", "no such folder", made)):
        with pytest.raises(unspool.ConfigError) as error:
            serve.checked_folder(name)
        assert str(error.value) == f"{name}: expected a folder, got {got}; {hint}{more}"


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "httptools", "prometheus_client"])
def test_a_package_that_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else name)
    wanted = f"unspool serve needs the package {missing}, which is not installed; {install_command('serve')}"
    with pytest.raises(unspool.ConfigError, match=f"^{re.escape(wanted)}$"):
        serve.check_extra()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    serve.check_extra()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"host": "127.0.0.1", "port": 8000, "log": False, "names": set(), "computing": {}}),
        (
            ["--host", "localhost", "--port", "0", "--log", "--allow-host", "A.example", "--allow-host", "b",
             "--threads", "2", "--max-queue", "3"],
            {"host": "localhost", "port": 0, "log": True, "names": {"a.example", "b"},
             "computing": {"threads": 2}},
        ),
    ],
    ids=["plain", "all"],
)  # fmt: skip
def test_the_flags_reach_the_server(
    words: list[str], expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unspool._cli.app import app
    from unspool._serving import server as serving

    told: dict[str, Any] = {}

    def resolve(host: str, port: int) -> tuple[str, tuple[str, int]]:
        told.update(host=host, port=port)
        return "family", ("127.0.0.1", 7)

    def run(served: Any, listener: object, *, started: object, stopping: object) -> int:
        told.update(log=served.log, names=served.allowed_hosts, computing=served.computing)
        assert (listener, served.roots, served.keys) == ("listener", (tmp_path,), ())
        assert served.limits == unspool_limits(words)
        assert callable(started) and callable(stopping)  # noqa: PT018 - both are told
        return 7

    def unspool_limits(words: list[str]) -> Any:
        from unspool._serving.limits import Limits

        return Limits(max_queue=3) if words else Limits()

    monkeypatch.setattr(serving, "resolve", resolve)
    monkeypatch.setattr(serving, "listening_socket", lambda family, address: "listener")
    monkeypatch.setattr(serving, "serve", run)
    with pytest.raises(SystemExit) as end:
        app.main(["serve", str(tmp_path), *words])
    assert (end.value.code, told) == (7, expected)
