"""A row is a text and back in any order of its columns, and the automaton allows just these texts."""

import random
from itertools import combinations

import numpy as np
import pytest

from unspool import CharTokenizer, ConfigError, TableSchema
from unspool._generation.automata.automaton import DEAD, Guide
from unspool._tables.corpus import TableRecords, table_records
from unspool._tables.given import Given
from unspool._tables.guides import RowGuide
from unspool._tables.row_form import RowForm

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def learnt(people: Rows) -> TableRecords:
    """Return the rows to learn."""
    records, _ = table_records(people, True, {}, fraction=None)
    return records


@pytest.fixture(scope="module")
def form(learnt: TableRecords) -> RowForm:
    """Return their form."""
    return RowForm(learnt.schema)


@pytest.fixture(scope="module")
def tokenizer(learnt: TableRecords) -> CharTokenizer:
    """Return the tokenizer of all rows."""
    return CharTokenizer.fit([record.text for record in learnt], normalization=None)


def drawn(guide: Guide, tokenizer: CharTokenizer, seed: int, which: int = 0) -> str:
    """Draw a text by the guide alone, each allowed token as probable as any other."""
    draw, state, ids = random.Random(seed), int(guide.starts[which]), list[int]()
    while True:
        allowed = np.flatnonzero(guide.automaton.allowed(state, 10_000)).tolist()
        token = draw.choice(allowed)
        if token == tokenizer.eos_id:
            return tokenizer.decode(ids)
        ids.append(token)
        state = guide.automaton.step(np.array([state]), np.array([token]))[0]


def test_a_row_is_its_text_in_any_order(people: Rows, form: RowForm) -> None:
    shuffle = random.Random(1).shuffle
    for row in people:
        codes = form.codes(list(row.values()), "here")
        shuffle(codes)
        back = form.row("".join(codes))
        assert back[1:] == list(row.values())[1:]  # the key is counted on
        assert back[0] == "400"


def test_each_row_comes_in_several_orders_once_each_pass(learnt: TableRecords, people: Rows) -> None:
    texts = [record.text for record in learnt]
    assert texts == [record.text for record in learnt]
    assert len(texts) == 10 * len(people)
    assert len(set(texts[:10])) == 10
    assert len({"".join(sorted(text)) for text in texts[:10]}) == 1


def test_held_out_rows_are_not_learnt_in_any_order(people: Rows) -> None:
    records, held_out = table_records(people, True, {}, fraction=0.2)
    assert held_out is not None
    sides = [{"".join(sorted(record.text)) for record in part} for part in (records, held_out)]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == len(people)
    assert 20 < len(sides[1]) < 120


def test_whatever_the_guide_allows_is_a_valid_row(form: RowForm, tokenizer: CharTokenizer) -> None:
    guide = RowGuide(form, tokenizer).guide([form.learnt, form.learnt[::-1]])
    for seed in range(200):
        text = drawn(guide, tokenizer, seed, seed % 2)
        row = form.row(text)
        assert "".join(sorted(form.codes(row, "here"))) == "".join(sorted(form.codes(form.row(text), "here")))
        assert len(form.codes(row, "here")) == len(form.learnt)


def test_the_guide_allows_every_row_in_any_order(
    people: Rows, form: RowForm, tokenizer: CharTokenizer
) -> None:
    guides, draw = RowGuide(form, tokenizer), random.Random(2)
    for row in people[:60]:
        order = draw.sample(form.learnt, len(form.learnt))
        codes = dict(zip(form.learnt, form.codes(list(row.values()), "here"), strict=True))
        guide = guides.guide([tuple(order)])
        state = guide.automaton.walk(tokenizer.encode("".join(codes[n] for n in order)), int(guide.starts[0]))
        assert state != DEAD
        assert guide.automaton.distance[state] == 0


def test_any_columns_can_be_left_to_write(form: RowForm, tokenizer: CharTokenizer) -> None:
    rest = [columns for size in range(4) for columns in combinations(form.learnt, size)]
    guide = RowGuide(form, tokenizer, gaps=False).guide(rest)
    for which, columns in enumerate(rest):
        written = dict(form.fields(drawn(guide, tokenizer, which, which)))
        assert tuple(written) == columns
        missing = [form.schema.columns[number].missing for number in written]
        assert not any(text in gaps for text, gaps in zip(written.values(), missing, strict=True))


def test_a_pattern_holds(people: Rows) -> None:
    schema = TableSchema.of(people)
    name = next(column for column in schema.columns if column.name == "name")
    narrowed = type(name)(name="name", type="text", longest=7, pattern="[AB](nna|eva)[0-9]{2,3}")
    form = RowForm(TableSchema(columns=(narrowed,)))
    tokenizer = CharTokenizer.fit(
        [form.code(0, "Anna123"), form.code(0, "Beva4567"[:7]), "0123456789"], normalization=None
    )
    guide = RowGuide(form, tokenizer).guide([(0,)])
    for seed in range(50):
        form.code(0, form.row(drawn(guide, tokenizer, seed))[0])  # raises ValueError if it does not match


def test_a_column_that_cannot_be_written_is_named(form: RowForm) -> None:
    tokenizer = CharTokenizer.fit([form.code(2, "FR")], normalization=None)
    with pytest.raises(ConfigError, match="column 'name'"):
        RowGuide(form, tokenizer).guide([form.learnt])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nation": "FR"}, "unknown key 'nation'"),
        ({"country": "US"}, "given 'country'.*'DE', 'FR', 'IT'"),
        ({"age": "17"}, "18 to 70"),
        ({"age": "80..90"}, "18 to 70"),
        ({"age": "40..30"}, "the least first"),
        ({"country": ("A", "B")}, "range of 'country'"),
        ({"height": None}, "missing"),
        ({"id": "7"}, "counted"),
        ({"planet": "Mars"}, "'Earth'"),
    ],
)
def test_what_no_row_can_have_is_refused(form: RowForm, given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Given.of(form, given)


def test_ranges_are_open_where_an_end_is_left_out(form: RowForm) -> None:
    known = Given.of(form, {"age": "60..", "born": ("", "01.01.1970"), "height": (1.6, 1.7)})
    bounds = {form.schema.columns[n].name: kind.bounds() for n, kind in known.ranges.items()}
    assert bounds["age"] == (60, 70)
    assert bounds["height"] == (160, 170)
    assert f"{bounds['born'][1]:%d.%m.%Y}" == "01.01.1970"


def test_a_model_of_one_order_fixes_the_first_columns_alone(people: Rows) -> None:
    form = RowForm(TableSchema(columns=TableSchema.of(people).columns, order="source"))
    Given.of(form, {"name": "Anna12", "country": "FR"})
    with pytest.raises(ConfigError, match="in one order"):
        Given.of(form, {"country": "FR"})
