"""Errors of unspool in the form of OpenAI."""

import pytest

import unspool
from unspool._errors import ArtifactError, ConfigError, DivergenceError, UnspoolError
from unspool._serving.refusals import error_object, refusal_of


@pytest.mark.parametrize(
    ("error", "status", "param"),
    [
        (ConfigError("top_k", expected="a whole number", got="0"), 400, "top_k"),
        (ConfigError("unknown option 'topk'", hint="did you mean 'top_k'?"), 400, "topk"),
        (ConfigError("stop[2]", expected="a string", got="1"), 400, "stop"),
        (ConfigError("logit_bias.a", expected="a number", got="'b'"), 400, "logit_bias"),
        (ConfigError("the model has no attribute 'x'"), 400, None),
        (ArtifactError("tiny: no weights"), 400, None),
        (DivergenceError("no"), 500, None),
    ],
)
def test_an_error_has_a_status_and_names_the_field(
    error: UnspoolError, status: int, param: str | None
) -> None:
    refused = refusal_of(error)
    assert (refused.status, refused.param, refused.message) == (status, param, str(error))


def test_an_unknown_symbol_has_a_code() -> None:
    with pytest.raises(unspool.UnknownSymbolError) as error:
        unspool.CharTokenizer.fit(["abc"]).encode("d")
    assert error_object(refusal_of(error.value)) == {
        "error": {
            "message": str(error.value),
            "type": "invalid_request_error",
            "param": None,
            "code": "unknown_symbol",
        }
    }
