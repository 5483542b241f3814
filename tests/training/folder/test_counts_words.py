"""What a model card says of counts comes, changes and goes without a trace of it elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from unspool._kernels.counts import count
from unspool._training.folder.counts_words import (
    HEADING,
    CountsFacts,
    card_with_counts,
    counts_facts,
    facts_of_record,
)
from unspool._training.records import CountsRecord

FACTS = CountsFacts(
    order=3, contexts=1234, bytes=56_000, network_bits_per_character=2.5, bits_per_character=2.25
)
RECORD = CountsRecord(
    step=5, order=3, contexts=1234, bytes=56_000, network_bits_per_character=2.5, bits_per_character=2.25,
    kept=True,
)  # fmt: skip


@pytest.mark.parametrize(
    "card", ["# Name\n\nText.\n\n## Limits\n\nIt errs.\n", "# Name\n\nText.\n", "My own\n"]
)
def test_the_section_of_a_card(card: str) -> None:
    with_them = card_with_counts(card, FACTS)
    assert with_them.count(HEADING) == 1
    assert (
        "1,234 contexts of up to 3 symbols (56.0 kB) of the training text. The model has 2.2500 bits per "
        "character on held-out text, 2.5000 without them"
    ) in with_them
    assert card_with_counts(with_them, None) == card
    assert card_with_counts(with_them, FACTS) == with_them
    other = replace(FACTS, order=5)
    assert card_with_counts(with_them, other) == card_with_counts(card, other) != with_them
    assert card_with_counts(card, None) == card
    if "## Limits" in card:
        assert (
            with_them.index("Text.") < with_them.index(HEADING) < with_them.index("\n\n## Limits\n\nIt errs.")
        )


def test_facts_of_a_table_and_of_a_record() -> None:
    table = count(np.array([1, 2, 3, 1, 2, 3], np.uint8), vocab_size=4, order=2, end_id=3)
    assert table is not None
    sizes = {"order": 2, "contexts": table.symbols.size, "bytes": table.nbytes}
    unknown = CountsFacts(**sizes, network_bits_per_character=None, bits_per_character=None)
    assert counts_facts(None, []) is None
    assert (
        counts_facts(table, []) == counts_facts(table, [{"kind": "step", "bits_per_character": 1}]) == unknown
    )
    lines = [
        {"kind": "counts", "network_bits_per_character": 3.0, "bits_per_character": bits}
        for bits in (1.0, 2.0)
    ]
    assert counts_facts(table, lines) == CountsFacts(
        **sizes, network_bits_per_character=3.0, bits_per_character=2.0
    )
    assert unknown.worth is None
    left_out = "the counts of the training text are left out, whose worth"
    assert unknown.left_out == f"{left_out} was not measured"
    assert FACTS.left_out == f"{left_out} is 0.2500 bits per character on held-out text"
    assert facts_of_record(RECORD) == FACTS
    assert facts_of_record(replace(RECORD, kept=False)) is None
