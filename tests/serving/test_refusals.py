"""Errors of unspool in the form of OpenAI."""

import ast
import re
from pathlib import Path

import pytest

import unspool
from unspool._errors import ArtifactError, ConfigError, DivergenceError, UnspoolError
from unspool._serving import pages
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


def codes_in(source: Path) -> set[str]:
    """Return the codes of refusals that a module names as ``code="x"``, or ``code = "x" if … else None``."""
    given: list[ast.expr] = []
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        match node:
            case ast.keyword(arg="code", value=value) | ast.Assign([ast.Name("code")], value):
                given.append(value)
    constants = (one for value in given for one in ast.walk(value) if isinstance(one, ast.Constant))
    return {one.value for one in constants if isinstance(one.value, str)}


def test_every_code_has_a_sentence_in_chinese() -> None:
    codes = set().union(*(codes_in(path) for path in Path(pages.__file__).parent.rglob("*.py")))
    assert {"queue_full", "unknown_symbol", "bad_request", "sweep_not_found"} <= codes
    words = re.findall(
        r'^  (\w+): "(.+)",$', pages.FILES["refusal_words.js"].read_text("utf-8"), re.MULTILINE
    )
    assert {code for code, _ in words} == codes | {"null"}
    assert all(re.search("[\u4e00-\u9fff]", sentence) for _, sentence in words)
