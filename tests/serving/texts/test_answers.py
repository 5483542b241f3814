"""What a client hears of an error, and when a part of its answer was sent."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._errors import ArtifactError, ConfigError
from unspool._serving.refusals import RefusedError
from unspool._serving.texts.answers import StreamedTexts, Texts, as_refusal


def test_an_error_is_told_as_what_it_is() -> None:
    own = RefusedError(418, "tea")
    assert as_refusal(own) is own
    for error, status, message, code in (
        (ConfigError("n", expected="1", got="2"), 400, "n must be 1; got 2", None),
        (ArtifactError("broken"), 400, "broken", None),
        (KeyError("secret"), 500, "something went wrong here", "internal_error"),
    ):
        found = as_refusal(error)
        assert (found.status, found.message, found.code) == (status, message, code)


@pytest.mark.parametrize("ticket", [None, object()])
def test_a_stream_has_begun_once_its_texts_are_asked_for(ticket: object) -> None:
    stream = cast("Any", object.__new__(StreamedTexts))
    stream._ticket = ticket
    assert stream.has_begun is (ticket is not None)
    whole: Any = SimpleNamespace(_ticket=ticket)
    begun = vars(Texts)["has_begun"]
    assert begun.fget(whole) is False
