"""What the files at the root say of unspool, once each and alike."""

import re
import tomllib

import pytest

from .conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_citation_is_of_this_version_and_these_authors() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    fields = dict(re.findall(r"^([a-z-]+): (.+)$", citation, flags=re.MULTILINE))
    project = PROJECT["project"]
    assert fields["version"] == project["version"]
    assert (fields["title"], fields["license"]) == (project["name"], project["license"])
    assert fields["abstract"] == project["description"]
    assert re.findall("- name: (.+)", citation) == [author["name"] for author in project["authors"]]


def test_every_licence_file_is_there() -> None:
    assert [name for name in PROJECT["project"]["license-files"] if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize(
    ("page", "sentence"), [("install", r"It brings (.*?) with it"), ("index", r"The core needs (.*?)\.")]
)
def test_the_pages_name_every_package_of_the_core(page: str, sentence: str) -> None:
    (named,) = re.findall(sentence, (ROOT / "docs" / f"{page}.md").read_text("utf-8"), flags=re.DOTALL)
    packages = [re.split("[<>=]", dependency)[0] for dependency in PROJECT["project"]["dependencies"]]
    assert [package for package in packages if package not in named.lower()] == []
