"""Where a model is on the Hub, as users write it."""

import pytest

from unspool._errors import ConfigError
from unspool._hub.places import HubPlace, hub_place, is_hub_place, model_name


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("hf://somebody/names", HubPlace("somebody/names")),
        ("somebody/names-int8.v2", HubPlace("somebody/names-int8.v2")),
        ("hf://a/b@v1.0", HubPlace("a/b", "v1.0")),
        ("hf://a/b@refs/pr/1", HubPlace("a/b", "refs/pr/1")),
    ],
)
def test_a_place_is_read_and_written(spec: str, place: HubPlace) -> None:
    assert hub_place(spec) == place
    assert hub_place(str(place)) == place


@pytest.mark.parametrize(
    "spec",
    ["hf://", "hf://n", "hf://a/b/c", "hf://a/b@", "hf://a/../b", "hf://../b", "hf://a/b c", "hf://a/b@x y",
     "hf://a/b\n", "hf://-a/b", "hf://a/b.", "hf://a/b..c", "hf://a/b--c", "hf:///etc/passwd", "hf://a/b?x=1"],
)  # fmt: skip
def test_what_is_no_place_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="expected hf://user/name or hf://user/name@revision, got"):
        hub_place(spec)


def test_a_folder_is_no_place() -> None:
    assert not is_hub_place("runs/names")
    assert is_hub_place("hf://a/b")
    assert (model_name("runs/names"), model_name("hf://a/b@v1")) == ("names", "b")
