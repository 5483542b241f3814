"""What the files at the root say of unspool, once each and alike."""

import re
import tomllib

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
