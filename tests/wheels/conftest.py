"""What `make wheel` has built, and clean environments to try it in: no checkout, no compiler."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from release.build_wheels import candidates, version_of

ROOT = Path(__file__).resolve().parents[2]
OWN = ("UNSPOOL_", "PYTHON", "PYTEST", "VIRTUAL_ENV", "CC", "CXX", "UV_")  # variables that a stranger has not
# Interpreters that no search finds, such as one for musl on a system with glibc.
NAMED = filter(None, os.environ.get("UNSPOOL_PYTHONS", "").split(os.pathsep))


def interpreters(paths: Iterable[str]) -> dict[str, str]:
    """Return the first interpreter of each kind that unspool runs on, by what Python calls the kind.

    Args:
        paths: Interpreters to choose from.
    """
    chosen: dict[str, str] = {}
    for python in paths:
        if (version_of(python) or ()) >= (3, 11):
            kind = "import sysconfig; print(sysconfig.get_config_var('SOABI'))"
            asked = subprocess.run([python, "-c", kind], capture_output=True, text=True, check=True)
            chosen.setdefault(asked.stdout.strip(), python)
    return chosen


INTERPRETERS = interpreters([sys.executable, *NAMED, *candidates()])


@dataclass(frozen=True)
class Stranger:
    """A clean environment of Python in a folder of its own.

    Args:
        folder: The folder that its commands work in; it has the environment in `venv`.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its commands are; no other folder is in its PATH."""
        return self.folder / "venv" / "bin"

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, and return what it has printed.

        Args:
            command: The name of the command, and its arguments.
            variables: Environment variables to set.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        place = {"PATH": str(self.bin), "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        return subprocess.run(
            [self.bin / command[0], *command[1:]], cwd=self.folder, env={**kept, **place, **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def succeeds(self, *command: str | Path, **variables: str) -> str:
        """Run one of its commands, which must succeed, and return its standard output."""
        done = self.run(*command, **variables)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout


def new_stranger(folder: Path, python: str) -> Stranger:
    """Make a clean environment."""
    folder.mkdir(exist_ok=True)
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    return Stranger(folder)


@pytest.fixture(scope="session")
def dist() -> Path:
    folder = Path(os.environ.get("UNSPOOL_WHEELS") or ROOT / "dist")
    if not list(folder.glob("*.whl")):
        pytest.skip(f"no wheels in {folder}: make wheel")
    return folder


@pytest.fixture(
    scope="session",
    params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in sorted(INTERPRETERS)],
)
def stranger(
    request: pytest.FixtureRequest, dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> Stranger:
    """A clean environment with the wheel that pip chooses, for each kind of Python of this machine."""
    there = new_stranger(tmp_path_factory.mktemp("stranger"), INTERPRETERS[request.param])
    there.succeeds(
        "python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--find-links", dist, "unspool"
    )
    return there


@contextmanager
def index(dist: Path, folder: Path) -> Iterator[str]:
    """Serve what is in `dist` as an index of packages (PEP 503) on this machine, and yield its address.

    Args:
        dist: Folder with the wheels.
        folder: Folder for the pages of the index.
    """
    project = folder / "unspool"
    project.mkdir(parents=True)
    files = sorted([*dist.glob("*.whl"), *dist.glob("*.tar.gz")])
    for file in files:
        (project / file.name).symlink_to(file.resolve())
    links = "".join(f'<a href="{file.name}">{file.name}</a>\n' for file in files)
    (project / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n", "utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
