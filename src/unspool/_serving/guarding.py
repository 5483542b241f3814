"""Who may ask: names of the server, pages from elsewhere, keys, the token of the page.

A page on another site can make a browser send requests to this machine. It cannot read the answers, unless
its own name is made to stand for this machine's address (DNS rebinding); then the header Host has that name.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

from unspool._errors import ConfigError
from unspool._serving.endpoint import Endpoint
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._storage import open_regular
from unspool._system import others_may_read

Headers: TypeAlias = dict[bytes, bytes]

LEAST_KEY, LONGEST_KEY = 16, 1024  # characters
MAKING_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes a key"
MOST_KEY_BYTES = 1 << 16  # of the file
# On every answer. A page of the server brings its own policy of contents.
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NOT_STORED = (b"cache-control", b"no-store")


def guarded(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers as they go over the wire, with those that are on every answer."""
    return b"".join([b"%b: %b\r\n" % each for each in (*headers, *HEADERS)])


ELSEWHERE = (b"cross-site", b"same-site")  # what a browser says of a page that is not the server's own


def check_sender(
    served: Served, lines: Collection[tuple[bytes, bytes]], headers: Headers, endpoint: Endpoint | None
) -> None:
    """Check that a request was meant for this server, and comes from no page of another site.

    Args:
        served: What the server has.
        lines: The headers of the request as they came, also those that came twice.
        headers: The headers by their names.
        endpoint: What is asked for, if it is known.

    Raises:
        RefusedError: If it was not, or does.
    """
    host = headers.get(b"host", b"")
    has_one = b"host" in headers and (len(headers) == len(lines) or _count(lines, b"host") == 1)
    if not has_one:
        raise RefusedError(400, "a request must have one header Host", code="bad_request")
    if not (is_own(host) or _name(host) in served.allowed_hosts):
        shown = host[:100].decode("latin-1")
        message = f"the header Host must be localhost or an address; got {shown!r}; see --allow-host"
        raise RefusedError(403, message, code="host_not_allowed")
    origin = headers.get(b"origin")
    if origin is not None:
        place = origin.partition(b"://")[2]
        if place.lower() != host.lower() and _name(place) not in served.allowed_hosts:
            shown = origin[:100].decode("latin-1")
            message = f"a page of {shown!r} may not use this server, only pages of its own"
            raise RefusedError(403, message, code="origin_not_allowed")
    if endpoint is not None and endpoint.access != "open" and headers.get(b"sec-fetch-site") in ELSEWHERE:
        message = "a page of another site may not use this server, only pages of its own"
        raise RefusedError(403, message, code="origin_not_allowed")


def _count(lines: Iterable[tuple[bytes, bytes]], wanted: bytes) -> int:
    return sum(name == wanted for name, _ in lines)


def check_access(served: Served, headers: Headers, endpoint: Endpoint) -> None:
    """Check the key of a request, and the token of the page where it is needed.

    Raises:
        RefusedError: If one of them is wrong or missing.
    """
    if endpoint.access == "open":
        return
    if served.keys and not _has_key(served, headers.get(b"authorization", b"")):
        message = "a key is needed: send the header Authorization: Bearer KEY, with a key of the server"
        raise RefusedError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})
    if endpoint.access == "token":
        token = headers.get(b"x-unspool-token", b"")
        if not hmac.compare_digest(token, served.token.encode()):
            message = "only the page of this server may do that: its header X-Unspool-Token is wrong"
            raise RefusedError(403, f"{message}; load the page again", code="invalid_token")


def _has_key(served: Served, authorization: bytes) -> bool:
    """Return whether a header has one of the keys; the time tells nothing of them."""
    scheme, _, key = authorization.partition(b" ")
    found = hash_of(key.strip()[: LONGEST_KEY + 1])
    known = [hmac.compare_digest(found, each) for each in served.keys]
    return scheme.lower() == b"bearer" and any(known)


def hash_of(key: bytes) -> bytes:
    """Return what is kept of a key: all hashes have one length."""
    return hashlib.blake2b(key, digest_size=32).digest()


@lru_cache(256)
def is_own(host: bytes) -> bool:
    """Return whether a header Host has an address or localhost, which no other site can be called.

    Args:
        host: The header, with or without a port.
    """
    name = _name(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _name(place: bytes) -> str:
    """Return the name in a name with a port, in small letters; an address of IPv6 without its brackets."""
    text = place.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def read_keys(path: Path) -> tuple[bytes, ...]:
    """Read the keys from a file, one on each line, and return their hashes.

    Args:
        path: The file.

    Raises:
        ConfigError: If there is no such file, everybody may read it, or it has no key.
    """
    where = f"the file of keys {path}"
    try:
        with open_regular(path) as file:
            others = others_may_read(file.fileno())
            text = file.read(MOST_KEY_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            where, expected="a file", got=error.strerror or str(error), hint=MAKING_ONE
        ) from None
    if others:
        expected = "one that not everybody can read"
        raise ConfigError(where, expected=expected, got="everybody can", hint=f"chmod 600 {path}")
    keys = [line.strip() for line in text.splitlines() if line.strip()]
    are_good = all(LEAST_KEY <= len(key) <= LONGEST_KEY and key.isascii() for key in keys)
    if not keys or len(text) > MOST_KEY_BYTES or not are_good:
        expected = f"keys of {LEAST_KEY} to {LONGEST_KEY} ASCII characters, one on a line"
        raise ConfigError(where, expected=expected, got="another line" if keys else "none", hint=MAKING_ONE)
    return tuple(map(hash_of, keys))
