"""How fast `unspool serve` answers, beside fixed events of the same server, and `generate` without a server.

The load comes from `load_client.c`, which `cc` compiles, on the same machine: what the client takes of the
processors is stated. Each contender has its turn in every round.
"""

import argparse
import contextlib
import json
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness

HERE = Path(__file__).parent
SEED = "#########"  # the client writes another number here in each request
LONGEST_WAIT = 300  # seconds of one call of the client
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server.

    Args:
        process: Its process.
        port: Where it listens.
        model: The name of its model.
        client: The compiled client.
        folder: A folder for the client's requests.
    """

    process: subprocess.Popen[bytes]
    port: int
    model: str
    client: Path
    folder: Path

    def ask(self, path: str, body: object, *, connections: int, requests: int) -> Result:
        """Send requests with the same body over some connections, and return what the client saw.

        Args:
            path: Where they go.
            body: A value in JSON types, or None for GET.
            connections: Number of connections that are open at once.
            requests: Number of requests in all.
        """
        file = self.folder / "request"
        file.write_bytes(request_bytes(path, body, self.port))
        numbers = map(str, (connections, requests, LONGEST_WAIT))
        command = [str(self.client), str(self.port), str(file), *numbers]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seen: Result = json.loads(done.stdout)
        seen["wrong"] = seen["errors"] + seen["closed"] + seen["late"]
        return seen

    def completions(
        self, *, connections: int = 1, requests: int = 1, tokens: int, **options: object
    ) -> Result:
        """Ask for completions of exactly so many tokens."""
        body = {"model": self.model, "prompt": "", "seed": SEED, "max_tokens": tokens, "ignore_eos": True}
        return self.ask("/v1/completions", body | options, connections=connections, requests=requests)

    def memory(self) -> float:
        """Return the memory of the server in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024

    def processor_seconds(self) -> float:
        """Return the time that the server's threads have had of the processors."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


def request_bytes(path: str, body: object, port: int) -> bytes:
    """Return a request as it goes over the wire."""
    host = f"Host: 127.0.0.1:{port}\r\n"
    if body is None:
        return f"GET {path} HTTP/1.1\r\n{host}\r\n".encode()
    text = json.dumps(body).replace(f'"{SEED}"', SEED).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{host}{kind}\r\n".encode() + text


@contextlib.contextmanager
def serving(arguments: argparse.Namespace) -> Iterator[Server]:
    """Start the server, and end it."""
    compiler = shutil.which("cc")
    if compiler is None:
        harness.say("error: no C compiler (cc) for the client: apt install gcc")
        raise SystemExit(2)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a connection is an open file
    with tempfile.TemporaryDirectory() as name:
        client = Path(name, "load_client")
        subprocess.run([compiler, "-O2", "-o", str(client), str(HERE / "load_client.c")], check=True)
        port = free_port()
        command = [sys.executable, str(HERE / "serving_app.py"), str(arguments.model), str(port)]
        process = subprocess.Popen([*command, str(arguments.threads)])
        try:
            wait_until_it_answers(process, port)
            yield Server(
                process=process, port=port, model=arguments.model.name, client=client, folder=Path(name)
            )
        finally:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    harness.say("error: the server does not start")
    raise SystemExit(2)


@dataclass(kw_only=True)
class Seen:
    """What the calls of one contender saw.

    Args:
        calls: One a round, the round to warm up first.
        spent: Seconds of the processors that the server took, for each call.
    """

    calls: list[Result] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    def spread(self, key: str, part: str) -> harness.Spread | None:
        """Return the spread of one figure over the rounds, or None where the client had none."""
        values = [call[key][part] for call in self.calls[1:] if call[key]]
        return harness.Spread.of(values) if values else None

    def terms(self) -> dict[str, object]:
        """Return what is stated beside a speed: errors, the client's time, the server's time."""
        return {
            "errors": sum(call["wrong"] for call in self.calls),
            "server_processor_seconds": harness.Spread.of(self.spent[1:]),
            "client_processor_seconds": harness.Spread.of(
                [call["client_processor_seconds"] for call in self.calls[1:]]
            ),
        }


def watched(server: Server, seen: Seen, call: Any, value: Any) -> Any:
    """Return a contender that keeps what its calls saw and returns a figure of each."""

    def run() -> float:
        before = server.processor_seconds()
        result = call()
        seen.spent.append(server.processor_seconds() - before)
        seen.calls.append(result)
        figure: float = value(result)
        return figure

    return run


def streams(server: Server, arguments: argparse.Namespace) -> list[Result]:
    """Measure many streams at once, beside as many streams with as many fixed events of that size."""
    count, tokens = arguments.streams, arguments.tokens
    usage = {"include_usage": True}
    ask = lambda: server.completions(  # noqa: E731
        connections=count, requests=count, tokens=tokens, stream=True, stream_options=usage
    )
    first = ask()
    events = max(1, round(first["events"] / count))
    size = first["bytes"] // max(1, first["events"])
    harness.say(f"streams: {events} events of {size} bytes for {tokens} tokens")
    path = f"/fixed?events={events}&size={size}"
    fixed = lambda: server.ask(path, None, connections=count, requests=count)  # noqa: E731
    seen = {"streams": Seen(), "fixed events": Seen()}
    speed = {
        "streams": lambda result: result["tokens"] / result["seconds"],
        "fixed events": lambda result: (
            count * tokens / result["seconds"] * result["events"] / (events * count)
        ),
    }
    calls = {"streams": ask, "fixed events": fixed}
    contenders = {name: watched(server, seen[name], calls[name], speed[name]) for name in seen}
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return [
        {
            "what": f"{count:,} {name}" if name == "streams" else f"{count:,} streams of {name}",
            "tokens_per_second": speeds[name],
            "gap_ms": {part: seen[name].spread("gap_ms", part) for part in ("p50", "p95", "p99", "max")},
            **seen[name].terms(),
        }
        for name in seen
    ]


def unstreamed(server: Server, arguments: argparse.Namespace) -> list[Result]:
    """Measure many texts in one request and in many, beside `generate` in a process without a server."""
    import unspool

    count, tokens = arguments.streams, arguments.tokens
    model = unspool.load(arguments.model, threads=arguments.threads)

    def generate() -> float:
        call = lambda: model.generate(n=count, max_new_tokens=tokens, ignore_eos=True, seed=1)  # noqa: E731
        return count * tokens / harness.seconds(call)

    contenders: dict[str, Any] = {f"generate, {count:,} texts": generate}
    seen = {}
    for requests in sorted({1, min(64, count), count}):
        name = f"{requests:,} request{'s' if requests > 1 else ''} of {count // requests:,}"
        seen[name] = Seen()
        call = lambda requests=requests: server.completions(  # noqa: E731
            connections=requests, requests=requests, tokens=tokens, n=count // requests
        )
        value = lambda result: result["tokens"] / result["seconds"]  # noqa: E731
        contenders[name] = watched(server, seen[name], call, value)
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return [
        {"what": name, "tokens_per_second": speed, **(seen[name].terms() if name in seen else {})}
        for name, speed in speeds.items()
    ]


def short(server: Server, arguments: argparse.Namespace) -> list[Result]:
    """Measure short completions over connections that are kept open, beside the empty endpoint."""
    of = {"connections": arguments.clients, "requests": arguments.requests}
    calls: dict[str, Any] = {"/health": lambda: server.ask("/health", None, **of)}
    for tokens in (1, 8):
        calls[f"{tokens} token{'s' if tokens > 1 else ''}"] = lambda tokens=tokens: server.completions(
            tokens=tokens, **of
        )
    seen = {name: Seen() for name in calls}
    value = lambda result: result["requests"] / result["seconds"]  # noqa: E731
    contenders = {name: watched(server, seen[name], calls[name], value) for name in calls}
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return [
        {
            "what": f"{name}, {arguments.clients} connections",
            "requests_per_second": speeds[name],
            **seen[name].terms(),
        }
        for name in calls
    ]


def first_bytes(server: Server, arguments: argparse.Namespace) -> list[Result]:
    """Measure how long clients that ask one after the other wait for the first byte of a stream."""
    seen = Seen()
    of = {"connections": arguments.clients, "requests": 20 * arguments.clients}
    call = lambda: server.completions(tokens=arguments.tokens, stream=True, **of)  # noqa: E731
    run = watched(server, seen, call, lambda result: result["seconds"])
    harness.take_turns({"first": run}, rounds=arguments.rounds)
    return [
        {
            "what": f"{what} of a stream, {arguments.clients} clients",
            "milliseconds": {part: seen.spread(key, part) for part in ("p50", "p99", "max")},
            **seen.terms(),
        }
        for what, key in (("first byte", "first_byte_ms"), ("first piece", "first_event_ms"))
    ]


def memory(server: Server, arguments: argparse.Namespace) -> list[Result]:
    """Measure the memory of the server while it answers many requests: short ones, streams, refused ones."""
    parts, clients = 10, arguments.clients
    server.completions(connections=clients, requests=1000, tokens=8)
    at = [server.memory()]
    wrong = 0
    for part in range(parts):
        share = arguments.memory_requests // parts
        calls = [
            server.completions(connections=clients, requests=share * 8 // 10, tokens=8),
            server.completions(connections=clients, requests=share // 10, tokens=8, stream=True),
        ]
        wrong += sum(call["wrong"] for call in calls)
        server.completions(connections=clients, requests=share // 10, tokens=-1)  # each is refused
        at.append(server.memory())
        harness.say(f"memory: {(part + 1) * share:,} requests, {at[-1]:.1f} MiB")
    return [{"what": f"{arguments.memory_requests:,} requests", "mebibytes": at, "errors": wrong}]


FIGURES = {
    "streams": streams,
    "unstreamed": unstreamed,
    "short": short,
    "first": first_bytes,
    "memory": memory,
}


def shown(value: object) -> str:
    """Return a figure as a cell of a table."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " ".join(f"{each:.1f}" for each in value)
    return "none" if value is None else str(value)


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES), help="what is measured")
    parser.add_argument("--streams", type=int, default=1000, help="texts that are written at once")
    parser.add_argument("--tokens", type=int, default=1000, help="tokens of each of them")
    parser.add_argument("--clients", type=int, default=64, help="connections of the other figures")
    parser.add_argument("--requests", type=int, default=5000, help="requests of a round of short completions")
    parser.add_argument(
        "--memory-requests", type=int, default=100_000, help="requests of the memory's figure"
    )
    arguments = parser.parse_args()
    arguments.model = arguments.model.resolve()
    with serving(arguments) as server:
        results = {name: FIGURES[name](server, arguments) for name in arguments.only}
    lines = []
    for name, rows in results.items():
        keys = list(dict.fromkeys(key for row in rows for key in row))
        lines += ["", name, "", harness.table(keys, [[shown(row.get(key)) for key in keys] for row in rows])]
    versions = {name: harness.installed(name) for name in ("starlette", "uvicorn", "uvloop", "httptools")}
    document = {
        "benchmark": "serving",
        "machine": harness.describe(threads=arguments.threads),
        "server": versions,
        "settings": {**vars(arguments), "model": arguments.model.name},
        "results": results,
    }
    terms = ", ".join(f"{name} {version}" for name, version in versions.items())
    title = (
        f"Medians (low to high) of {arguments.rounds} rounds; {terms}; the client runs on the same machine"
    )
    harness.finish(document, [title, *lines], as_json=arguments.json)


if __name__ == "__main__":
    main()
