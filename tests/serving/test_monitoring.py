"""What Prometheus reads of a server."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from unspool._serving.monitoring import Metrics, ModelState


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_each_loaded_model_has_its_numbers() -> None:
    metrics = Metrics()
    metrics.states = lambda: [ModelState(name="a b", active=2, waiting=3, size=4096)]
    text = metrics.text().decode()
    assert samples(text, "unspool_active_sequences") == {("a b",): 2}
    assert samples(text, "unspool_waiting_sequences") == {("a b",): 3}
    assert samples(text, "unspool_model_bytes") == {("a b",): 4096}


def test_requests_and_first_bytes_are_counted_by_endpoint() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.answered("/x", status)
    metrics.began("/x", 0.03)
    text = metrics.text().decode()
    assert samples(text, "unspool_requests_total") == {("/x", "200"): 2, ("/x", "404"): 1}
    below = samples(text, "unspool_first_byte_seconds_bucket")
    assert (below["/x", "0.025"], below["/x", "0.05"]) == (0, 1)


def test_a_completion_is_counted(client: httpx.Client) -> None:
    def tokens() -> float:
        return samples(client.get("/metrics").text, "unspool_tokens_total").get(("tiny",), 0)

    before = tokens()
    done = client.post("/v1/completions", json={"model": "tiny", "max_tokens": 9, "ignore_eos": True}).json()
    assert done["usage"]["completion_tokens"] == 9
    assert tokens() == before + 9
    assert samples(client.get("/metrics").text, "unspool_model_bytes")["tiny",] > 0
