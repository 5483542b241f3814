"""What the server counts, in the form that Prometheus reads."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
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


class Metrics:
    """The counts of a server.

    Attributes:
        tokens: Counter of the tokens that were written, by model.
        dropped: Counter of the streams that were ended because their reader was slow or away, by reason.
        states: Function that returns what each loaded model does now.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.states: Callable[[], Iterable[ModelState]] = tuple
        self._requests = Counter(
            "unspool_requests", "Requests that were answered.", ("endpoint", "status"), registry=self.registry
        )
        self.tokens = Counter("unspool_tokens", "Tokens written.", ("model",), registry=self.registry)
        self.dropped = Counter(
            "unspool_dropped_streams", "Streams ended early.", ("reason",), registry=self.registry
        )
        self._first_byte = Histogram(
            "unspool_first_byte_seconds", "Time from a request to the first byte of its answer.",
            ("endpoint",), buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self.registry.register(_ModelCollector(self))
        ProcessCollector(registry=self.registry)

    def answered(self, endpoint: str, status: int) -> None:
        """Count a request.

        Args:
            endpoint: The path in the table of endpoints.
            status: The status of its answer.
        """
        counter = self._counters.get((endpoint, status))
        if counter is None:
            counter = self._counters[endpoint, status] = self._requests.labels(endpoint, str(status))
        counter.inc()

    def began(self, endpoint: str, seconds: float) -> None:
        """Note when the first byte of an answer was sent.

        Args:
            endpoint: The path in the table of endpoints.
            seconds: Seconds since the request had arrived.
        """
        histogram = self._histograms.get(endpoint)
        if histogram is None:
            histogram = self._histograms[endpoint] = self._first_byte.labels(endpoint)
        histogram.observe(seconds)

    def text(self) -> bytes:
        """Return all counts as Prometheus reads them."""
        return generate_latest(self.registry)


class _ModelCollector(Collector):
    """The gauges of models, which are read when somebody asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge with a value for each loaded model."""
        states = list(self._metrics.states())
        for name, (words, field) in GAUGES.items():
            family: Any = GaugeMetricFamily(name, words, labels=("model",))
            for state in states:
                family.add_metric((state.name,), getattr(state, field))
            yield family
