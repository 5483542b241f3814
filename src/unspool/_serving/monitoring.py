"""What the server counts, in the form that Prometheus reads."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds

GAUGES = {  # their words, and the field of a state
    "unspool_active_sequences": ("Texts that are being written.", "active"),
    "unspool_waiting_sequences": ("Texts that wait for a place.", "waiting"),
    "unspool_model_bytes": ("Memory of a loaded model.", "size"),
}


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """What a loaded model does now.

    Args:
        name: Its name.
        active: Number of its texts that are being written.
        waiting: Number of its texts that wait for a place.
        size: Bytes of memory that it takes.
    """

    name: str
    active: int
    waiting: int
    size: int


class Times:
    """How long something took, each time.

    Attributes:
        counts: How often it took no longer than each of BUCKETS, but longer than the one before; and longer.
        total: The seconds of all together.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0


class Metrics:
    """The counts of a server.

    Attributes:
        requests: How many requests were answered, by endpoint and status.
        first_bytes: The times from a request to the first byte of its answer, by endpoint.
        tokens: Counter of the tokens that were written, by model.
        dropped: Counter of the streams that were ended because their reader was slow or away, by reason.
        states: Function that returns what each loaded model does now.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.states: Callable[[], Iterable[ModelState]] = tuple
        self.tokens = Counter("unspool_tokens", "Tokens written.", ("model",), registry=self.registry)
        self.dropped = Counter(
            "unspool_dropped_streams", "Streams ended early.", ("reason",), registry=self.registry
        )
        # Of the event loop alone, which counts each request: no lock is needed.
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.first_bytes: defaultdict[str, Times] = defaultdict(Times)
        self.registry.register(_Collector(self))
        ProcessCollector(registry=self.registry)

    def answered(self, endpoint: str, status: int) -> None:
        """Count a request.

        Args:
            endpoint: The path in the table of endpoints.
            status: The status of its answer.
        """
        self.requests[endpoint, status] += 1

    def began(self, endpoint: str, seconds: float) -> None:
        """Note when the first byte of an answer was sent.

        Args:
            endpoint: The path in the table of endpoints.
            seconds: Seconds since the request had arrived.
        """
        times = self.first_bytes[endpoint]
        times.counts[bisect_left(BUCKETS, seconds)] += 1
        times.total += seconds

    def text(self) -> bytes:
        """Return all counts as Prometheus reads them."""
        return generate_latest(self.registry)


class _Collector(Collector):
    """What is read when somebody asks: the counts of requests, and the gauges of models."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Any]:
        """Yield the counts of requests, their times, and each gauge with a value for each loaded model."""
        labels = ("endpoint", "status")
        requests: Any = CounterMetricFamily("unspool_requests", "Requests that were answered.", labels=labels)
        for (endpoint, status), count in self._metrics.requests.items():
            requests.add_metric((endpoint, str(status)), count)
        yield requests
        words = "Time from a request to the first byte of its answer."
        first: Any = HistogramMetricFamily("unspool_first_byte_seconds", words, labels=("endpoint",))
        for endpoint, times in self._metrics.first_bytes.items():
            limits = [*map(str, map(float, BUCKETS)), "+Inf"]
            first.add_metric(
                (endpoint,), list(zip(limits, accumulate(times.counts), strict=True)), times.total
            )
        yield first
        states = list(self._metrics.states())
        for name, (words, field) in GAUGES.items():
            family: Any = GaugeMetricFamily(name, words, labels=("model",))
            for state in states:
                family.add_metric((state.name,), getattr(state, field))
            yield family
