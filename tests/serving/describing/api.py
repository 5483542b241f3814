"""What the server promises its clients: ``python -m tests.serving.describing.api`` renews it."""

import hashlib
import json
from dataclasses import astuple
from pathlib import Path

from unspool._serving.describing.openapi import document
from unspool._serving.routes import ENDPOINTS

PROMISED = Path(__file__).with_name("api.txt")


def api() -> str:
    """Return the table of endpoints, and a digest of each path and each schema of the OpenAPI document."""
    lines = [json.dumps(astuple(endpoint), ensure_ascii=False) for endpoint in ENDPOINTS]
    for keyed in (False, True):
        described = document(ENDPOINTS, keyed=keyed)
        paths = {f"{method} {path}": each for path, methods in described.pop("paths").items()
                 for method, each in methods.items()}  # fmt: skip
        schemas = described["components"].pop("schemas")
        described["info"]["version"] = ""
        parts = {"document": described} | paths | ({} if keyed else schemas)
        lines += [f"{'with a key, ' * keyed}{name}: {digest(part)}" for name, part in parts.items()]
    return "".join(f"{line}\n" for line in lines)


def digest(part: object) -> str:
    return hashlib.sha256(json.dumps(part).encode()).hexdigest()[:12]


if __name__ == "__main__":
    PROMISED.write_text(api(), "utf-8")
