"""The command that installs an extra, for each way in which pip can have installed unspool."""

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

import pytest

from unspool._extras import install_command

SOURCE = Path(__file__).resolve().parents[1] / "src" / "unspool"
ORIGINS: list[tuple[dict[str, Any] | None, str]] = [
    (None, 'pip install "unspool[play]"'),
    ({"url": "file:///a/my%20clone", "dir_info": {"editable": True}}, 'pip install -e "/a/my clone[play]"'),
    ({"url": "file:///a/clone", "dir_info": {}}, 'pip install "/a/clone[play]"'),
    ({"url": "file:///a/$b", "dir_info": {}}, 'pip install "/a/\\$b[play]"'),
    (
        {"url": "file:///a/unspool-1.whl", "archive_info": {}},
        'pip install "unspool[play] @ file:///a/unspool-1.whl"',
    ),
    (
        {"url": "https://example.com/a.git", "vcs_info": {"vcs": "git", "commit_id": "0b1d"}},
        'pip install "unspool[play] @ git+https://example.com/a.git@0b1d"',
    ),
]


@pytest.mark.parametrize(("origin", "command"), ORIGINS)
def test_the_command_names_what_was_installed(
    origin: dict[str, Any] | None, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if origin is not None:
        (tmp_path / "direct_url.json").write_text(json.dumps(origin))
    found = importlib.metadata.PathDistribution(tmp_path)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: found)
    assert install_command("play") == command


def test_source_that_was_never_installed_gets_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert install_command("ray") == 'pip install "unspool[ray]"'


def test_no_other_module_spells_the_command() -> None:
    spelled = {path.name for path in SOURCE.rglob("*.py") if "pip install" in path.read_text("utf-8")}
    assert spelled == {"_extras.py", "_installed.py"}  # of an extra; of unspool itself, which does not load


def test_each_extra_that_is_proposed_exists() -> None:
    calls = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r"install_command\([\"'](\w+)[\"']\)", path.read_text())
    }
    assert calls >= {"play", "ray", "sentences", "sweep", "torch"}
    assert calls <= set(importlib.metadata.metadata("unspool").get_all("Provides-Extra") or ())
