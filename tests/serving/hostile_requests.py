"""Requests that no decent client sends: shapes of HTTP that have fooled servers, and bodies at random."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from tests.serving.attacker import request

H = b"Host: 127.0.0.1\r\n"
POST = b"POST /v1/completions HTTP/1.1\r\n" + H + b"Content-Type: application/json\r\n"
SECOND = b"GET /health HTTP/1.1\r\n" + H + b"\r\n"  # hidden in what another server may take for a body
HIDDEN = b"%x\r\n" % len(SECOND) + SECOND + b"\r\n0\r\n\r\n"

# Each is refused, or ends the connection; what is hidden in it is never answered.
SMUGGLED: Mapping[str, bytes] = {
    "a length and chunks": POST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SECOND,
    "chunks and a length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"
    + SECOND,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SECOND) + SECOND,
    "two equal lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n{}   " + SECOND,
    "lengths in a list": POST + b"Content-Length: 0, %d\r\n\r\n" % len(SECOND) + SECOND,
    "a length with a plus": POST + b"Content-Length: +0\r\n\r\n" + SECOND,
    "a length below nothing": POST + b"Content-Length: -1\r\n\r\n" + SECOND,
    "a hexadecimal length": POST + b"Content-Length: 0x10\r\n\r\n" + SECOND,
    "a length with a space in it": POST + b"Content-Length: 1 0\r\n\r\n" + SECOND,
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551617\r\n\r\n{" + SECOND,
    "an enormous length": POST + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n{" + SECOND,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + HIDDEN,
    "chunks are not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + HIDDEN,
    "chunks, then nothing known": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
    + HIDDEN,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a folded header": POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a header without a name": POST + b": chunked\r\n\r\n" + SECOND,
    "a header that is none": POST + b"Transfer-Encoding\r\n\r\n" + SECOND,
    "a NUL in a name": POST + b"X\0Y: 1\r\n\r\n" + SECOND,
    "a NUL in a value": POST + b"X: \0\r\n\r\n" + SECOND,
    "a bare line feed in a value": POST + b"X: 1\nContent-Length: 0\r\n\r\n" + SECOND,
    "a bare carriage return": POST + b"X: 1\rY: 2\r\n\r\n" + SECOND,
    "a chunk below nothing": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + SECOND,
    "a chunk with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\n{}   \r\n0\r\n\r\n" + SECOND,
    "a chunk beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n1000000000000000f\r\n{}" + SECOND,
    "a chunk that is longer": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n" + SECOND,
    "a chunk without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + SECOND,
    "two hosts": b"GET /health HTTP/1.1\r\n" + H + b"Host: evil.example\r\n\r\n" + b"x" + SECOND,
    "a line feed in the path": b"GET /health\nX HTTP/1.1\r\n" + H + b"\r\n" + b"x" + SECOND,
    "no version": b"GET /health\r\n" + H + b"\r\n" + b"x" + SECOND,
    "a version of its own": b"GET /health HTTP/9.9\r\n" + H + b"\r\n" + b"x" + SECOND,
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + H + b"\r\n" + b"x" + SECOND,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "no method": b" /health HTTP/1.1\r\n" + H + b"\r\n",
    "a method of its own": b"GIMME /health HTTP/1.1\r\n" + H + b"\r\n",
    "invalid UTF-8 for a method": b"\xff\xfe\xfd /health HTTP/1.1\r\n" + H + b"\r\n",
    "nothing but NUL": bytes(4096),
    "a header of 100 kB": b"GET /health HTTP/1.1\r\n" + H + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "10,000 headers": b"GET /health HTTP/1.1\r\n" + H + b"X: a\r\n" * 10_000 + b"\r\n",
    "a path of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + H + b"\r\n",
    "headers without an end": b"GET /health HTTP/1.1\r\n" + H + b"X: a",
    "headers without an end, long": b"GET /health HTTP/1.1\r\n" + H + b"X: a\r\n" * 50_000,
    "a body without an end": POST + b"Content-Length: 1000\r\n\r\n{",
    "chunks without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "a chunk's size without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000,
    "a chunk with 100 kB of words": POST
    + b"Transfer-Encoding: chunked\r\n\r\n2;"
    + b"a" * 100_000
    + b"\r\n{}\r\n",
    "a trailer without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 50_000,
    "a wait for a word": POST + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n",
    "a word that nobody knows": POST + b"Expect: the-unexpected\r\nContent-Length: 2\r\n\r\n[]",
}

DEEP = "[" * 100_000 + "]" * 100_000
# Bodies that are no JSON object that the server reads: each is answered with a status from 400.
BAD_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "no object": b"[]",
    "a number": b"1",
    "null": b"null",
    "cut": b'{"model": "ti',
    "two": b"{}{}",
    "words after it": b"{} x",
    "100,000 lists": DEEP.encode(),
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 lists in a prompt": f'{{"model": "tiny", "prompt": {DEEP}}}'.encode(),
    "100,000 open lists": b"[" * 100_000,
    "NaN": b'{"model": "tiny", "temperature": NaN}',
    "Infinity": b'{"model": "tiny", "temperature": -Infinity}',
    "1e400": b'{"model": "tiny", "temperature": 1e400}',
    "an enormous whole number": b'{"model": "tiny", "max_tokens": ' + b"9" * 100_000 + b"}",
    "an enormous fraction": b'{"model": "tiny", "temperature": 0.' + b"9" * 100_000 + b"e99999}",
    "half a character": b'{"model": "tiny", "prompt": "\\ud800"}',
    "half a character in a name": b'{"model": "tiny", "\\udfff": 1}',
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "UTF-16": '{"model": "tiny", "temperature": "x"}'.encode("utf-16"),
    "a NUL": b'{"model": "tiny\0"}',
    "a NUL, written": b'{"model": "tiny\\u0000"}',
    "a line feed in a string": b'{"model": "ti\nny"}',
    "a name twice": b'{"model": "tiny", "model": "other"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a comment": b'{"model": "tiny" /* here */}',
    "one quote": b"{'model': 'tiny'}",
}

TRAVERSALS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "//etc/passwd",
    "tiny/../tiny",
    "tiny/model.safetensors",
    "./tiny",
    "tiny%00",
    "tiny/",
    "file:///etc/passwd",
    "~root",
    "%c0%ae%c0%ae/etc/passwd",
    "tiny%0d%0aSet-Cookie:%20a=b",
    "a" * 4000,
    ".",
    "..",
    "",
)

# Each takes an engine that tries all ways, or all states, longer than anybody waits.
PATTERNS = (
    "(a+)+$",
    "(a|a)*b",
    "(a*)*(a*)*(a*)*b",
    "((((((a*)*)*)*)*)*)*",
    "(a|b)*a(a|b){40}",
    "(.*a){30}",
    ".{10000}.{10000}",
    "((a{100}){100}){100}",
    "(((a{1000}){1000}){1000}){1000}",
    "a{99999999999999999999}",
    "(" * 5000 + "a" + ")" * 5000,
    "(" * 5000,
    "[" + "a-z" * 3000 + "]",
    "a?" * 3000 + "a" * 3000,
    "(a?){5000}",
    "|".join("abcdefgh"[i % 8] * (i % 60) for i in range(2000)),
    "(?=a)b",
    "(?<=a)b",
    "(a)\\1",
    "\\",
    "[z-a]",
    "*",
    "(?P<a>a)(?P=a)",
    "\\p{L}{500}",
    "(\\w+\\s?){200}",
    ".*" * 500,
)

WORDS = (
    "",
    "oil",
    "tiny",
    "../tiny",
    "\0",
    "a" * 10_000,
    "é😀\u202e",
    "<script>alert(1)</script>",
    "%s%n",
    "'; --",
    "(a+)+$",
)
NUMBERS = ("-1", "0", "1", "2", "5", "0.5", "-0.0", "1e-300", "1e300", "2147483648", "1000000000")
NO_NUMBERS = ("NaN", "1e400", "-Infinity", "-9223372036854775809", "9" * 400, "01", "1.")


class Maker:
    """Makes requests at random, for the endpoints of an OpenAPI document.

    Args:
        document: The document.
        model: A model that there is.
        seed: The seed.
    """

    def __init__(self, document: dict[str, Any], model: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.model = model
        self.bodies: dict[str, list[str]] = {}  # the path of each endpoint with a body, and its fields
        self.paths = list(document["paths"])
        for path, methods in document["paths"].items():
            if "post" in methods and "requestBody" in methods["post"]:
                content = methods["post"]["requestBody"]["content"]
                self.bodies[path] = sorted(
                    _properties(document, content.get("application/json", {}).get("schema", {}))
                )

    def requests(self, count: int) -> Iterator[bytes]:
        """Yield requests."""
        for _ in range(count):
            kind = self.random.random()
            if kind < 0.7:
                yield self.with_body()
            elif kind < 0.85:
                yield self.damaged(self.with_body())
            else:
                yield self.with_path()

    def with_body(self) -> bytes:
        """Return a request with a body that has fields of its endpoint, and values of all kinds."""
        often = "/v1/completions" if self.random.random() < 0.5 else None
        path = often or self.random.choice(sorted(self.bodies))
        fields = self.bodies[path] or ["model"]
        parts = {"model": json.dumps(self.model)} if self.random.random() < 0.9 else {}
        if self.random.random() < 0.7:
            parts |= {"prompt": '"oil "', "input": '"oil prices"', "text": '"oil"', "max_tokens": "8"}
            parts = {name: value for name, value in parts.items() if name in fields or name == "model"}
        for _ in range(self.random.randint(0, 4)):
            parts[self.random.choice(fields)] = self.value()
        body = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in parts.items()) + "}"
        return request(path, body.encode("utf-8", "replace"))

    def value(self, depth: int = 0) -> str:
        """Return a value as JSON has it, or nearly."""
        kind = self.random.randrange(8 if depth < 3 else 5)
        if kind == 0:
            return self.random.choice(("null", "true", "false", "{}", "[]", '""'))
        if kind in (1, 2):
            return self.random.choice(NUMBERS if self.random.random() < 0.9 else NO_NUMBERS)
        if kind in (3, 4):
            return json.dumps(self.random.choice((*WORDS, *PATTERNS)))
        values = [self.value(depth + 1) for _ in range(self.random.choice((0, 1, 2, 3, 50 >> 3 * depth)))]
        if kind == 5:
            return (
                "{"
                + ", ".join(f"{json.dumps(self.random.choice(WORDS[:6]))}: {value}" for value in values)
                + "}"
            )
        return f"[{', '.join(values)}]"

    def with_path(self) -> bytes:
        """Return a request for a path with odd names in it, by any method."""
        path = self.random.choice(self.paths)
        names = [self.random.choice(TRAVERSALS) if "{" in part else part for part in path.split("/")]
        if self.random.random() < 0.3:
            names.append(self.random.choice(TRAVERSALS))
        method = self.random.choice(
            ("GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
        )
        query = self.random.choice(("", "?", "?a=1&a=2", "?top=-1", "?" + "x" * 2000, "?%00"))
        return request("/".join(names).replace("\\", "%5c") + query, method=method)

    def damaged(self, sent: bytes) -> bytes:
        """Return a request with some bytes changed, taken out or put in."""
        data = bytearray(sent)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data))
            how = self.random.randrange(4)
            if how == 0:
                data[at] = self.random.randrange(256)
            elif how == 1:
                del data[at : at + self.random.choice((1, 2, 20))]
            elif how == 2:
                data[at:at] = self.random.choice(
                    (b"\0", b"\r\n", b"\n", b"\xff", b"A" * 1000, b" ", b"\r\n\r\n", b":")
                )
            else:
                data[at:at] = data[: self.random.randrange(1, 60)]
        return bytes(data)


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a schema, which may be named elsewhere in the document."""
    if "$ref" in schema:
        value: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            value = value[name]
        return _properties(document, value)
    found = dict(schema.get("properties", {}))
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= _properties(document, part)
    return found
