"""``--to html``: a model as one page, which needs no network.

The page holds its styles and a short script as they are, and one packed text with the model, the engine and
the rest of the script: base 85 of a deflated container, in which no character means anything to HTML.
``unpack.js`` is its reader. The container is the length of a JSON header as four bytes, the header, and the
bytes of each tensor. The bytes of numbers stand by significance, the first bytes of all numbers first, since
those are alike.
"""

import base64
import hashlib
import html
import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from unspool._exporting.exporter import ModelToExport
from unspool._exporting.web_model import EXPORT, IMPORT, engine_source, web_spec

PAGE = Path(__file__).parent / "page"
# The files of the scripts, each after those that it imports: what is there at once, and what is packed.
FIRST = ("unpack", "start")
MODULES = ("words", "symbols", "service", "settings", "link", "bars", "texts", "reading", "page")
SIZES = {"float32": 4, "float16": 2, "int8": 1, "scales": 4, "uint32": 4, "uint16": 2}  # bytes of a number
# What b85encode uses and HTML or a template may read as more than a letter -> what stands for it.
HARMLESS = bytes.maketrans(b"&<>`", b",.:/")
LINE = 1000  # characters


def html_files(exported: ModelToExport) -> dict[str, bytes]:
    """Return the page of a model, the only file.

    Args:
        exported: The model, its name, its precision and the cost of it.
    """
    style, script = (PAGE / "page.css").read_text("utf-8"), script_of(FIRST)
    rules = (
        f"default-src 'none'; script-src {_hash(script)} blob: 'wasm-unsafe-eval'; worker-src blob:; "
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "rules": rules,
        "version": html.escape(version("unspool")),
        "title": html.escape(plain_title(exported.name)),
        "style": style,
        "model": lines_of(packed(exported)),
        "script": script,
        "desk": (PAGE / "desk.html").read_text("utf-8"),
    }
    template = (PAGE / "page.html").read_text("utf-8")
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
    return {"page.html": page.encode("utf-8")}


def script_of(names: Sequence[str], exported: str | None = None) -> str:
    """Return files of the page as one module, which imports nothing.

    Args:
        names: The files, without their suffix.
        exported: The one name that the module exports; None for none.
    """
    parts = ((PAGE / f"{name}.js").read_text("utf-8") for name in names)
    script = "\n".join(EXPORT.sub("", IMPORT.sub("", part)) for part in parts)
    return "\n" + script + ("" if exported is None else f"export {{ {exported} }};\n")


def packed(exported: ModelToExport) -> str:
    """Return a model, its engine and the rest of the page as text without a meaning in HTML."""
    spec = web_spec(exported)
    worker = engine_source() + "\n" + (PAGE / "worker.js").read_text("utf-8")
    body = [*_take_tensors(spec)]
    scripts = {"engine": worker, "page": script_of(MODULES, "start")}
    head = json.dumps({"spec": spec, **scripts}, separators=(",", ":")).encode("utf-8")
    content = b"".join([len(head).to_bytes(4, "little"), head, *body])
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b85encode(deflate.compress(content) + deflate.flush()).translate(HARMLESS).decode("ascii")


def plain_title(name: str) -> str:
    """Return a name without characters that have no shape, such as marks of direction."""
    return "".join(one for one in name if unicodedata.category(one)[0] not in "CZ" or one == " ")


def lines_of(text: str) -> str:
    """Break a long text into lines."""
    return "\n".join(text[at : at + LINE] for at in range(0, len(text), LINE))


def _take_tensors(spec: dict[str, Any]) -> Iterator[bytes]:
    """Yield the bytes that a model has in base64, and put their number in their place."""
    for tensor in (*spec["tensors"].values(), *spec.get("counts", {}).values()):
        for kind in [kind for kind in SIZES if kind in tensor]:
            numbers = _take(tensor, kind)
            yield np.frombuffer(numbers, np.uint8).reshape(-1, SIZES[kind]).T.tobytes()
    if spec["wasm"] is not None:
        yield _take(spec, "wasm")


def _take(place: dict[str, Any], key: str) -> bytes:
    content = base64.b64decode(place[key])
    place[key] = len(content)
    return content


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
