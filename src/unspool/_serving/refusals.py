"""The errors of the server, in the form in which OpenAI's clients read them."""

import re
from typing import Any

from starlette.responses import JSONResponse

from unspool._errors import ConfigError, InputError, UnknownSymbolError, UnspoolError

OPTION = r"(?:unknown option '(\w+)'|(\w+))(?=$|\[|\.)"  # what an error about an option is about
# Status -> what OpenAI calls errors of that kind; 4xx that are not here are "invalid_request_error".
KINDS = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: The status of HTTP.
        message: What is wrong, what was expected, what was found and what to do next.
        code: A short name of the reason, such as "model_not_found", or None.
        param: The field of the request that is wrong, or None.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = headers or {}


def refusal_of(error: UnspoolError) -> RefusedError:
    """Return the refusal for an error of unspool: bad input is the client's, all else the server's."""
    named = re.match(OPTION, error.what) if isinstance(error, ConfigError) else None
    param = named and (named[1] or named[2])
    code = "unknown_symbol" if isinstance(error, UnknownSymbolError) else None
    return RefusedError(400 if isinstance(error, InputError) else 500, str(error), code=code, param=param)


def error_object(refused: RefusedError) -> dict[str, Any]:
    """Return the JSON object of an error."""
    kind = KINDS.get(refused.status, "invalid_request_error")
    return {"error": {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}}


def response_of(refused: RefusedError) -> JSONResponse:
    """Return the answer to a refused request."""
    return JSONResponse(error_object(refused), refused.status, refused.headers)
