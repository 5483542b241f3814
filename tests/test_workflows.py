"""The workflows that test and publish: well formed, pinned, and with no command that the Makefile lacks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
MAKE = re.compile(r"(?:run: |&& )make ([a-z-]+)")
ACTION = re.compile(r"uses: (\S+)")


pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="the source distribution has no workflows")


def text_of(workflow: Path) -> str:
    """Return a workflow without its comments."""
    return re.sub(r"\s#.*", "", workflow.read_text("utf-8"))


def test_the_commands_of_the_workflows_are_in_the_makefile() -> None:
    asked = {target for workflow in WORKFLOWS for target in MAKE.findall(text_of(workflow))}
    assert {"test", "check-portable"} <= asked
    assert asked - TARGETS == set()


def test_every_action_is_pinned_by_a_version() -> None:
    actions = [action for workflow in WORKFLOWS for action in ACTION.findall(text_of(workflow))]
    assert len(actions) >= 8
    assert [action for action in actions if not re.search(r"@(v\d+(\.\d+)*|[0-9a-f]{40})$", action)] == []


def test_the_schema_of_workflows_is_kept() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "-q", "--builtin-schema", "vendor.github-workflows"]
    pytest.importorskip("check_jsonschema", reason="part of the extra dev")
    checked = subprocess.run([*command, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_one_job_alone_may_publish_and_only_on_a_tag() -> None:
    jobs = [job for workflow in WORKFLOWS for job in re.split(r"\n  (?=[a-z-]+:\n)", text_of(workflow))]
    publishing = [job for job in jobs if "id-token: write" in job or "gh-action-pypi-publish" in job]
    assert len(publishing) == 1
    assert "if: startsWith(github.ref, 'refs/tags/v')" in publishing[0]
    assert "password" not in publishing[0]


def test_wheels_are_tested_with_folders_that_exist() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["cibuildwheel"]
    folders = re.findall(r"\{project\}/(\S+)", settings["test-command"])
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []
