"""The batcher: places, queue and order; who goes away, who fails, and who reads slowly."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

import unspool
from tests.serving.conftest import Running, serving
from tests.serving.texts.company import CHARS, made, save_models
from unspool._engines.cpu_writer import CpuWriter
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._generation.written import Written
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._serving.texts.batching import Batcher, Ticket

MODEL = made(CHARS, 1)
ENDLESS = GenerationOptions(max_new_tokens=10**9, logit_bias={CHARS.eos_id: float("-inf")})
PATIENCE = 20


class Gathered:
    """What was received for a ticket."""

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over.add_done_callback(lambda over: over.cancelled() or over.exception())
        self.begun = asyncio.Event()
        self.pieces: dict[int, list[Any]] = {}
        self.ended: set[int] = set()
        self.count = 0

    def receive(self, written: Written, news: list[tuple[int, int]]) -> None:
        for number, i in news:
            piece = written.piece(i)
            self.begun.set()
            self.pieces.setdefault(number, []).append(piece)
            assert number not in self.ended
            if piece.finish_reason is not None:
                self.ended.add(number)
        if len(self.ended) == self.count:
            self.over.set_result(None)

    def fail(self, error: Exception) -> None:
        self.over.set_exception(error)

    def texts(self) -> list[list[int]]:
        return [
            [token for piece in self.pieces[number] for token in piece.ids.tolist()]
            for number in sorted(self.pieces)
        ]


def use(test: Callable[[Batcher], Awaitable[None]], *, most: int = 4, most_waiting: int = 8) -> None:
    """Run a test with a batcher of a small model."""

    async def run() -> None:
        writer = lambda: MODEL.runner.writer(MODEL.parameters)  # noqa: E731
        batcher = Batcher(writer, name="small", most=most, most_waiting=most_waiting)
        try:
            async with asyncio.timeout(PATIENCE):
                await test(batcher)
        finally:
            batcher.close()

    asyncio.run(run())


def request(count: int, options: GenerationOptions) -> EngineRequest:
    return EngineRequest([np.array([1, 2], np.int32)] * count, options)


def add(
    batcher: Batcher, count: int, options: GenerationOptions, *, streamed: bool = False
) -> tuple[Gathered, Ticket]:
    gathered = Gathered()
    gathered.count = count
    asked = request(count, options)
    return gathered, batcher.add(asked, gathered.receive, gathered.fail, streamed=streamed)


@pytest.mark.parametrize("streamed", [False, True])
def test_more_texts_than_places_are_written_in_parts(streamed: bool) -> None:
    options = GenerationOptions(max_new_tokens=30, seed=5)
    expected = generate(MODEL.runner.writer(MODEL.parameters), request(11, options))

    async def test(batcher: Batcher) -> None:
        gathered, _ = add(batcher, 11, options, streamed=streamed)
        await gathered.over
        assert gathered.texts() == [each.ids.tolist() for each in expected]
        assert (batcher.writing, batcher.waiting) == (0, 0)
        if not streamed:
            assert {len(pieces) for pieces in gathered.pieces.values()} == {1}

    use(test, most=3, most_waiting=20)


@pytest.mark.parametrize(("most", "calls"), [(20, 3), (4, 6)])
def test_requests_of_one_kind_begin_in_one_call(
    most: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = GenerationOptions(max_new_tokens=9, seed=0, temperature=2.0, logit_bias=ENDLESS.logit_bias)
    template, add_one, added = request(1, options), CpuWriter.add, []
    counts, streamed = [1, 2, 1, 1, 3], [False, False, True, True, False]  # three kinds of calls
    asked = [
        template.anew(request(count, options).prompts, options.seeded(seed))
        for seed, count in enumerate(counts, 2**63)
    ]
    expected = [generate(MODEL.runner.writer(MODEL.parameters), each) for each in asked]

    def counted(writer: CpuWriter, request: EngineRequest, *, whole: bool = False) -> range:
        added.append(len(request.prompts))
        return add_one(writer, request, whole=whole)

    monkeypatch.setattr(CpuWriter, "add", counted)

    async def test(batcher: Batcher) -> None:
        gathered = [Gathered() for _ in asked]
        for mine, each, flag in zip(gathered, asked, streamed, strict=True):
            mine.count = len(each.prompts)
            batcher.add(each, mine.receive, mine.fail, streamed=flag)
        for mine, texts in zip(gathered, expected, strict=True):
            await mine.over
            assert mine.texts() == [each.ids.tolist() for each in texts]
        assert sum(added) == 8
        assert len(added) <= calls

    use(test, most=most, most_waiting=20)


@pytest.mark.parametrize("streamed", [False, True])
def test_who_goes_away_frees_the_place(streamed: bool) -> None:
    async def test(batcher: Batcher) -> None:
        endless, ticket = add(batcher, 1, ENDLESS, streamed=streamed)
        waits, gone = add(batcher, 1, ENDLESS)
        last, _ = add(batcher, 1, GenerationOptions(max_new_tokens=3, seed=1))
        await asyncio.sleep(0.05)
        assert not last.over.done()
        batcher.cancel(gone)
        batcher.cancel(ticket)
        await last.over
        assert not waits.pieces
        assert not endless.over.done()
        assert (batcher.writing, batcher.waiting) == (0, 0)

    use(test, most=1)


def test_a_full_queue_is_refused_with_its_numbers_and_cancelling_makes_room() -> None:
    async def test(batcher: Batcher) -> None:
        first, _ = add(batcher, 2, ENDLESS, streamed=True)
        await first.begun.wait()
        _, waiting = add(batcher, 3, ENDLESS)
        with pytest.raises(RefusedError, match=r"3 texts waiting .* at most 4 may") as refused:
            add(batcher, 2, ENDLESS)
        assert (refused.value.status, refused.value.code) == (429, "queue_full")
        batcher.cancel(waiting)
        while batcher.waiting:
            await asyncio.sleep(0.001)
        add(batcher, 2, ENDLESS)

    use(test, most=2, most_waiting=4)


def test_everybody_hears_that_it_is_closed() -> None:
    async def test(batcher: Batcher) -> None:
        running, _ = add(batcher, 1, ENDLESS, streamed=True)
        await running.begun.wait()
        waiting, _ = add(batcher, 1, ENDLESS)
        batcher.close()
        for gathered in (running, waiting):
            with pytest.raises(RefusedError, match="being put away"):
                await gathered.over
        with pytest.raises(RefusedError, match="being put away"):
            add(batcher, 1, ENDLESS)
        assert batcher.is_closed

    use(test, most=1)


def test_who_fails_to_receive_harms_nobody_else() -> None:
    async def test(batcher: Batcher) -> None:
        failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

        def receive(written: Written, news: list[tuple[int, int]]) -> None:
            raise ValueError("broken")

        batcher.add(request(1, ENDLESS), receive, failed.set_result, streamed=True)
        good, _ = add(batcher, 2, GenerationOptions(max_new_tokens=50, seed=1))
        await good.over
        assert str(await failed) == "broken"
        while batcher.writing:
            await asyncio.sleep(0.001)

    use(test)


def test_options_that_do_not_fit_fail_alone() -> None:
    async def test(batcher: Batcher) -> None:
        wrong, _ = add(batcher, 1, GenerationOptions(logprobs=500, seed=1))
        good, _ = add(batcher, 1, GenerationOptions(max_new_tokens=5, seed=1))
        await good.over
        with pytest.raises(unspool.ConfigError, match="logprobs"):
            await wrong.over

    use(test)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a server with few places and small buffers."""
    folder = tmp_path_factory.mktemp("small")
    save_models(folder)
    limits = Limits(max_concurrent=2, max_buffer=2048, write_seconds=60.0)
    with serving(Served(roots=(folder,), limits=limits)) as running:
        yield running


def stream(running: Running, **body: Any) -> socket.socket:
    """Begin a long stream, and return its connection."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", running.port))
    asked = {
        "model": "chars",
        "max_tokens": 100_000,
        "ignore_eos": True,
        "stream": True,
        "temperature": 3,
        **body,
    }
    text = json.dumps(asked).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n{kind}"
    connection.sendall(head.encode() + text)
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def active(running: Running) -> int:
    return sum(state.active for state in running.served.library.states())


def dropped(running: Running) -> float:
    value = running.served.metrics.registry.get_sample_value(
        "unspool_dropped_streams_total", {"reason": "slow_reader"}
    )
    return value or 0.0


def test_a_slow_reader_is_dropped_and_slows_nobody(small: Running) -> None:
    before = dropped(small)
    slow = stream(small, logprobs=5)  # more than the system takes
    body = {"model": "chars", "max_tokens": 20, "seed": 1}
    assert httpx.post(f"{small.address}/v1/completions", json=body, timeout=PATIENCE).status_code == 200
    wait_until(lambda: dropped(small) == before + 1)
    wait_until(lambda: active(small) == 0)
    with slow:
        read = b""
        while b"slow_reader" not in read:  # after what was on its way
            part = slow.recv(65536)
            assert part
            read = read[-100:] + part
    assert dropped(small) == before + 1  # once, however much was still to be delivered


def test_a_client_that_goes_away_frees_its_place(small: Running) -> None:
    connections = [stream(small), stream(small)]
    wait_until(lambda: active(small) == 2)
    done = threading.Event()
    body = {"model": "chars", "max_tokens": 5}

    def ask() -> None:
        httpx.post(f"{small.address}/v1/completions", json=body, timeout=PATIENCE)
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    for connection in connections:
        connection.close()
    assert done.wait(PATIENCE)
    thread.join()
    wait_until(lambda: active(small) == 0)
