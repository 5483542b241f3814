"""A small Hub on 127.0.0.1: the calls of huggingface_hub that a push and a load make, and no more.

It keeps every commit as a dictionary of files. A token "reader" may read what is private, "writer" may write.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

Files = dict[str, bytes]
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
WRITER, READER = "Bearer hf_writer", "Bearer hf_reader"


@dataclass
class Repo:
    """Hold a model: its commits, and the commit of each branch."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: Files, message: str = "") -> str:
        said = json.dumps([len(self.commits), sorted(files), message])
        oid = hashlib.sha1(said.encode()).hexdigest()
        self.commits[oid] = files
        self.branches[branch] = oid
        self.messages.append(message)
        return oid

    def files(self, revision: str) -> tuple[str, Files] | None:
        oid = self.branches.get(revision, revision)
        return (oid, self.commits[oid]) if oid in self.commits else None


@dataclass
class Hub:
    """Hold what a fake Hub has, and what it was asked.

    Args:
        endpoint: The address.
        repos: The models by their names.
        blobs: What was uploaded and is in no commit yet, by checksum.
        asked: The method and path of every request.
        full: Whether it takes no blobs.
        down: The error that every request is answered with; 0 for none.
    """

    endpoint: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    full: bool = False
    down: int = 0

    def put(self, name: str, files: Files, *, private: bool = False) -> str:
        """Make a model that somebody has pushed, and return the commit."""
        repo = self.repos.setdefault(name, Repo(private))
        return repo.commit("main", files)


class Handler(BaseHTTPRequestHandler):
    """Answer a request; `hub` is set by `running`."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, value: Any = None, code: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        self.send_response(code)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, code: int, kind: str = "", message: str = "") -> None:
        self.answer({"error": message}, code, X_Error_Code=kind, X_Error_Message=message)

    def handle_any(self) -> None:
        hub, self.body = self.hub, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.body = b"".join(self.chunks())
        url = urlsplit(self.path)
        path = unquote(url.path)
        hub.asked.append(f"{self.command} {path}")
        if hub.down:
            self.refuse(hub.down, message="out of order")
            return
        for method, pattern, function in ROUTES:
            match = re.fullmatch(pattern, path)
            if method == self.command and match is not None:
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                function(self, **match.groupdict(), **asked)
                return
        self.refuse(404, message=f"the fake Hub has no {self.command} {path}")

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

    def chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def json(self) -> Any:
        return json.loads(self.body)

    def may_write(self) -> bool:
        token = self.headers.get("Authorization")
        if token == WRITER:
            return True
        self.refuse(403 if token else 401, message="your token may not write" if token else "no token")
        return False

    def repo(self, name: str) -> Repo | None:
        """Find a model that the token may see, or refuse."""
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self.headers.get("Authorization") not in (WRITER, READER)):
            self.refuse(401 if "Authorization" not in self.headers else 404, "RepoNotFound", "not found")
            return None
        return repo


def create(handler: Handler) -> None:
    if not handler.may_write():
        return
    asked = handler.json()
    name = f"{asked['organization']}/{asked['name']}"
    url = f"{handler.hub.endpoint}/{name}"
    if name in handler.hub.repos:
        handler.answer({"url": url, "error": "you have it already"}, 409)
        return
    private = bool(asked.get("private")) or asked.get("visibility") == "private"
    handler.hub.repos[name] = Repo(private)
    handler.hub.repos[name].commit("main", {".gitattributes": b""})
    handler.answer({"url": url, "name": name})


def info(handler: Handler, repo: str, revision: str = "main", **_: str) -> None:
    found = handler.repo(repo)
    if found is None:
        return
    version = found.files(revision)
    if version is None:
        handler.refuse(404, "RevisionNotFound", "no such revision")
        return
    card = version[1].get("README.md", b"").decode().split("---\n")
    data = yaml.safe_load(card[1]) if len(card) > 2 else None
    siblings = [{"rfilename": name, "size": len(raw)} for name, raw in version[1].items()]
    handler.answer(
        {"_id": "1", "id": repo, "modelId": repo, "sha": version[0], "private": found.private,
         "cardData": data, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
    )  # fmt: skip


def branch(handler: Handler, repo: str, revision: str) -> None:
    found = handler.repo(repo) if handler.may_write() else None
    if found is None:
        return
    if revision in found.branches:
        handler.refuse(409, message="it is there")
        return
    found.branches[revision] = found.branches["main"]
    handler.answer({})


def preupload(handler: Handler, repo: str, revision: str) -> None:
    if handler.may_write():
        modes = [
            {"path": file["path"], "shouldIgnore": False,
             "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular"}
            for file in handler.json()["files"]
        ]  # fmt: skip
        handler.answer({"files": modes})


def batch(handler: Handler, repo: str) -> None:
    objects = [
        {**each, "actions": {"upload": {"href": f"{handler.hub.endpoint}/blobs/{each['oid']}"}}}
        for each in handler.json()["objects"]
    ]
    handler.answer({"transfer": "basic", "objects": objects})


def blob(handler: Handler, oid: str) -> None:
    if handler.hub.full:
        handler.refuse(403, message="your storage is full")
        return
    assert hashlib.sha256(handler.body).hexdigest() == oid
    handler.hub.blobs[oid] = handler.body
    handler.answer()


def commit(handler: Handler, repo: str, revision: str) -> None:
    found = handler.repo(repo) if handler.may_write() else None
    if found is None:
        return
    version = found.files(revision)
    if version is None:
        handler.refuse(404, "RevisionNotFound", "no such revision")
        return
    files, message = dict(version[1]), ""
    for line in map(json.loads, handler.body.splitlines()):
        kind, value = line["key"], line["value"]
        if kind == "header":
            message = value["summary"]
        elif kind == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif kind == "lfsFile":
            files[value["path"]] = handler.hub.blobs[value["oid"]]
        elif kind == "deletedFile":
            del files[value["path"]]
    oid = found.commit(revision, files, message)
    handler.answer({"commitUrl": f"{handler.hub.endpoint}/{repo}/commit/{oid}", "commitOid": oid})


def resolve(handler: Handler, repo: str, revision: str, name: str) -> None:
    found = handler.repo(repo)
    if found is None:
        return
    version = found.files(revision)
    if version is None:
        handler.refuse(404, "RevisionNotFound", "no such revision")
        return
    oid, files = version
    if name not in files:
        handler.answer(None, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=oid)
        return
    etag = hashlib.sha256(files[name]).hexdigest()
    handler.answer(files[name], ETag=f'"{etag}"', X_Repo_Commit=oid)


ROUTES = [
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", lambda handler: handler.answer({"errors": [], "warnings": []})),
    ("GET", f"/api/models/{REPO}", info),
    ("GET", f"/api/models/{REPO}/revision/(?P<revision>.+)", info),
    ("POST", f"/api/models/{REPO}/branch/(?P<revision>.+)", branch),
    ("POST", f"/api/models/{REPO}/preupload/(?P<revision>.+)", preupload),
    ("POST", f"/{REPO}.git/info/lfs/objects/batch", batch),
    ("PUT", "/blobs/(?P<oid>.+)", blob),
    ("POST", f"/api/models/{REPO}/commit/(?P<revision>.+)", commit),
    ("GET", f"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<name>.+)", resolve),
    ("HEAD", f"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<name>.+)", resolve),
]


@contextmanager
def running() -> Iterator[Hub]:
    """Run a Hub on a free port until the end of the block."""
    hub = Hub()
    handler = type("OfThisHub", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
