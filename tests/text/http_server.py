"""A small HTTP server on this machine that misbehaves as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """Hold what is served, and how.

    Args:
        files: Content by path.
        ranges: Whether a request for a range is granted.
        breaks: For each request in turn, after how many bytes of the answer the connection breaks; None
            sends it all, and so do the requests after the last.
        statuses: For each request in turn, an error to answer with instead; 0 is none.
        asked: The Range header of each request that came.
    """

    files: dict[str, bytes]
    ranges: bool = True
    breaks: list[int | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve a site on 127.0.0.1 while the block runs, and fill in its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.headers.get("Range"))
            turn = len(site.asked) - 1
            status = site.statuses[turn] if turn < len(site.statuses) else 0
            content = site.files.get(self.path)
            if status or content is None:
                self.send_error(status or 404)
                return
            self.answer(content, site.breaks[turn] if turn < len(site.breaks) else None)

        def answer(self, content: bytes, stop: int | None) -> None:
            asked = self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges else 0
            if start >= len(content) and start:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:] if stop is None else content[start : start + stop])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
