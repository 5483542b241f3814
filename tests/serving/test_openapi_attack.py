"""Requests that schemathesis makes from the document of a server: each answer is one that it names."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.serving.attacker import INTENDED, PATIENCE, Target, attacked

schemathesis = pytest.importorskip("schemathesis")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
REQUESTS = 500  # for each endpoint


@pytest.fixture(scope="module")
def target(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with attacked(models, tmp_path_factory.mktemp("attacked")) as found:
        yield found


def kept_word(case: Any, answer: Any) -> None:
    """Check that an answer is one that the document names."""
    from schemathesis.specs.openapi import checks

    if answer.status_code not in INTENDED:
        case.validate_response(
            answer,
            checks=[
                schemathesis.checks.not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )


def test_the_document_is_true_of_every_answer(target: Target) -> None:
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{target.port}/openapi.json")
    operations = [result.ok() for result in document.get_all_operations()]
    statuses: dict[str, Counter[int]] = {}
    for operation in operations:
        statuses[operation.label] = attack(operation)
        target.check()
    assert statuses["POST /v1/completions"][200], statuses
    assert statuses["POST /v1/completions"][400], statuses


def attack(operation: Any) -> "Counter[int]":
    """Send requests to an endpoint, and return the statuses of the answers."""
    seen: Counter[int] = Counter()

    @settings(
        max_examples=REQUESTS,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        if isinstance(case.body, dict) and "model" in case.body and sum(seen.values()) % 4:
            case.body["model"] = "tiny"  # a name at random is a model that is not there
        answer = case.call(timeout=PATIENCE)
        seen[answer.status_code] += 1
        kept_word(case, answer)

    run()
    return seen
