"""The page of the server: a table of its files, some of which it shares with the exported page."""

import hashlib
import html
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from unspool._exporting.html import PAGE as EXPORTED
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served

PAGE = Path(__file__).parent / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Files by their name in the address; a name that is not here is not looked for on the disk.
SHARED = (
    "page.css",
    "words.js",
    "symbols.js",
    "service.js",
    "settings.js",
    "link.js",
    "bars.js",
    "texts.js",
    "reading.js",
    "page.js",
)
SHELL = (
    "icon.svg",
    "shell.css",
    "shell.js",
    "shell_words.js",
    "api.js",
    "refusal_words.js",
    "route.js",
    "key.js",
)
WRITE = (
    "write.css",
    "write.js",
    "write_words.js",
    "desk.js",
    "server_service.js",
    "request.js",
    "reveal.js",
    "demands.js",
    "field_errors.js",
    "marks.js",
    "beginning.js",
    "call.js",
)
WATCH = (
    "watch.js",
    "watch.css",
    "watch_words.js",
    "watch_parts.js",
    "watch_chart.js",
    "watch_curves.js",
    "watch_run.js",
    "watch_verdicts.js",
    "watch_compare.js",
    "watch_sweep.js",
)
TRAIN = (
    "train.css",
    "train.js",
    "train_words.js",
    "train_parts.js",
    "train_corpus.js",
    "train_plan.js",
    "train_list.js",
)
FILES = {
    **{name: EXPORTED / name for name in SHARED},
    **{name: PAGE / "write" / name for name in WRITE},
    **{name: PAGE / "watch" / name for name in WATCH},
    **{name: PAGE / "train" / name for name in TRAIN},
    **{name: PAGE / name for name in SHELL},
}
# Nothing from elsewhere, no scripts or styles within the page, in nobody's frame.
RULES = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICY = {"content-security-policy": RULES}


@dataclass(frozen=True)
class PageFile:
    """A file of the page, read once.

    Args:
        content: Its bytes.
        media_type: What it is, for browsers.
        etag: A mark that changes with its content.
    """

    content: bytes
    media_type: str
    etag: str


async def index(served: Served, request: Request) -> Response:
    """Return the page, with the token that its requests bring back."""
    headers = POLICY | {"cache-control": "no-store"}
    return Response(page_of(served.token), headers=headers, media_type="text/html")


async def page_file(served: Served, request: Request) -> Response:
    """Return a file of the page, or tell a browser that it has the newest."""
    name = request.path_params["file"]
    if name not in FILES:
        raise RefusedError(404, f"{request.url.path}: the page has no such file", code="not_found")
    file = read(name)
    headers = POLICY | {"cache-control": "no-cache", "etag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


@cache
def read(name: str) -> PageFile:
    """Read a file of the page."""
    content = FILES[name].read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return PageFile(content, TYPES[FILES[name].suffix], f'"{digest}"')


@cache
def page_of(token: str) -> str:
    """Return the page as a document.

    Args:
        token: What a request that changes something has to bring back.
    """
    scripts = [name for name in (*SHARED, *SHELL, *WRITE) if name.endswith(".js")]
    parts = {
        "version": html.escape(version("unspool")),
        "token": html.escape(token),
        "preload": "\n".join(f'<link rel="modulepreload" href="page/{name}">' for name in scripts),
        "desk": (EXPORTED / "desk.html").read_text("utf-8"),
    }
    template = (PAGE / "index.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
