"""What is between the columns, what quotes mean, and whether there is a header: told, found or asked for."""

from pathlib import Path

import pytest

from unspool._errors import CorpusError
from unspool._text.reading.headers import is_header
from unspool._text.reading.sources import read_records


def texts(path: Path, content: str, **options: object) -> tuple[list[str], list[str]]:
    path.write_text(content, "utf-8")
    records = read_records(path, **options)  # type: ignore[arg-type]
    return [record.text for record in records], [note.split(": ", 1)[1] for note in records.notes]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_line_that_names_the_delimiter_is_obeyed_and_no_text(tmp_path: Path, first: str) -> None:
    found, notes = texts(tmp_path / "a.csv", f"{first}\ntitle;town\nA, b;Köln\nC;Bonn\n", text="title")
    assert (found, notes) == (["A, b", "C"], [])
    found, _ = texts(tmp_path / "a.csv", f"{first}\nA|1\nB|2\n", text=0, delimiter="|")
    assert found == ["A", "B"]
    with pytest.raises(CorpusError, match="line 3: ragged"):
        texts(tmp_path / "a.csv", f"{first}\nA;1\nB\n", text=0)


@pytest.mark.parametrize("mark", [";", "|", "\t", "^", "~", "¦", "\x01", "\x1e", "\x1f"])
@pytest.mark.parametrize("comma", ["", ", later"])
def test_the_one_delimiter_that_fits_is_found_and_said(tmp_path: Path, mark: str, comma: str) -> None:
    rows = f"title{mark}town\nA{mark}Köln\nB{comma}{mark}Bonn\n"
    found, notes = texts(tmp_path / "a.csv", rows, text="title")
    assert found == ["A", f"B{comma}"]
    assert notes == [f"columns are taken to end at {mark!r} (--delimiter)"]


@pytest.mark.parametrize("rows", [47, 48, 49, 60])
def test_a_row_that_goes_on_after_the_lines_looked_at_does_not_count(tmp_path: Path, rows: int) -> None:
    content = "title;town\n" + "A;Köln\n" * rows + '"two\nlines";Bonn\n'  # 50 lines are looked at
    found, notes = texts(tmp_path / "a.csv", content, text="title")
    assert found == ["A"] * rows + ["two\nlines"]
    assert notes == ["columns are taken to end at ';' (--delimiter)"]


def test_a_delimiter_is_looked_for_as_quotes_are_meant(tmp_path: Path) -> None:
    """One quote alone stands around the rest of the file, if quotes mean anything."""
    content = 'one;two\n"three;four\nfive;six\n'
    found, notes = texts(tmp_path / "a.csv", content, text=0, quoting="none", header=False)
    assert (found, notes) == (["one", '"three', "five"], ["columns are taken to end at ';' (--delimiter)"])
    with pytest.raises(CorpusError, match="with ',' between the columns there is one, and it is full of ';'"):
        texts(tmp_path / "a.csv", content, text=0, header=False)


def test_commas_in_a_tsv_are_found_too(tmp_path: Path) -> None:
    found, notes = texts(tmp_path / "a.tsv", "title,town\nA,Köln\nB,Bonn\n", text="title")
    assert found == ["A", "B"]
    assert notes == ["columns are taken to end at ',' (--delimiter)"]


def test_what_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"';' or '\|' could be between the columns; .*--delimiter ';'"):
        texts(tmp_path / "a.csv", "a;b|c\nd;e|f\n")
    uneven = "one;two\nthree;four;five\nsix\n"
    with pytest.raises(CorpusError, match=r"there is one, and it is full of ';'; .*--delimiter ','"):
        texts(tmp_path / "a.csv", uneven)
    assert texts(tmp_path / "a.csv", uneven, delimiter=",")[0] == uneven.split()
    with pytest.raises(CorpusError, match=r"it is full of '\\x01'; .*--delimiter '\\x01', .*--delimiter ','"):
        texts(tmp_path / "a.csv", uneven.replace(";", "\x01"))


def test_a_column_of_prose_stays_one_column(tmp_path: Path) -> None:
    prose = "It rained; we stayed.\nNobody came\nThe sun rose\nA tab\there\n"
    assert texts(tmp_path / "a.csv", prose)[0] == prose.splitlines()
    prose = "Good night~\nSee you~ soon~\nYes~\nNo\n"
    assert texts(tmp_path / "a.csv", prose)[0] == prose.splitlines()
    prose = "Rain, then sun\nSun, wind, rain\nCalm, cold\n"
    assert texts(tmp_path / "a.tsv", prose)[0] == prose.splitlines()


def test_two_that_fit_are_said(tmp_path: Path) -> None:
    found, notes = texts(tmp_path / "a.csv", "1,5;A\n2,5;B\n", text=1)
    assert found == ["5;A", "5;B"]
    assert notes == ["columns are taken to end at ','; ';' would fit too (--delimiter)"]


def stray(mark: str, *, rows: int = 100, first: int = 10, last: int = 60) -> str:
    lines = [f"{i}{mark}the {i}th boat" for i in range(rows)]
    lines[first] = f'{first}{mark}"Wait he said'
    lines[last] += '"'
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.csv", ","), ("a.csv", ";")])
@pytest.mark.parametrize("last", [11, 12, 60])
def test_rows_that_stray_quotes_join_are_refused_or_kept(
    tmp_path: Path, name: str, mark: str, last: int
) -> None:
    with pytest.raises(CorpusError, match=r"line 11: expected one row, got a quote .*--quoting none"):
        texts(tmp_path / name, stray(mark, last=last), text=1)
    found, _ = texts(tmp_path / name, stray(mark, last=last), text=1, quoting="none")
    assert len(found) == 100
    assert found[10] == '"Wait he said'
    found, _ = texts(tmp_path / name, stray(mark, last=last), text=1, quoting="double")
    assert len(found) == 100 - (last - 10)


def test_a_quote_that_is_not_closed_or_goes_on_is_answered_with_the_switch(tmp_path: Path) -> None:
    for row in ('2\t"Wait', '2\t"Wait" he said'):
        with pytest.raises(CorpusError, match=r"line 2: broken row.*--quoting none"):
            texts(tmp_path / "a.tsv", f"1\ta\n{row}\n3\tb\n", text=1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('title,text\nA,"one\n\ntwo"\nB,"three, four\nfive"\n', ["one\n\ntwo", "three, four\nfive"]),
        ('title,text\nA,"one\ntwo, three"\n', ["one\ntwo, three"]),
        ('text\ttitle\n"one\ntwo"\tA\n', ["one\ntwo"]),
    ],
)
def test_lines_inside_a_field_are_kept(tmp_path: Path, content: str, found: list[str]) -> None:
    name = "a.tsv" if "\t" in content else "a.csv"
    assert texts(tmp_path / name, content)[0] == found


def test_a_single_column_whose_quotes_join_lines_says_so(tmp_path: Path) -> None:
    found, notes = texts(tmp_path / "a.csv", 'text\nA\n"B\nC"\n"D\nE"\n')
    assert found == ["A", "B\nC", "D\nE"]
    assert [note for note in notes if "--quoting none" in note] == [
        "quotes join lines to one text; --quoting none if quotes mean nothing here, in Python quoting='none'"
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["smiles"], ["CCO"], ["c1ccccc1"], ["CC(=O)O"]], True),
        ([["smiles"], ["c1ccccc1"], ["CCO"]], True),
        ([["lyrics"], ["Oh, my love"], ["I walk alone"]], True),
        ([["Rezept"], ["Apfelkuchen mit Zimt"], ["Linsensuppe für vier"]], True),
        ([["poem", "poet"], ["The moon is low", "Ann"], ["Salt on the sill", "Bo"]], True),
        ([["歌词"], ["今天河边的风很大"], ["我们把三条小船卖了"]], True),
        ([["name"], ["Emma"]], True),
        ([["emma"], ["olivia"], ["ava"]], False),
        ([["Emma"], ["Olivia"], ["Ava"]], False),
        ([["CCO"], ["CCN"], ["CCC"]], False),
        ([["ok"], ["see you"], ["np"], ["nice"]], False),
        ([["Rain in spring"], ["Snow falls"], ["Sun"]], False),
        ([["hello"], ["How are you?"]], False),
    ],
)
def test_a_name_looks_unlike_what_is_below_it(rows: list[list[str]], expected: bool) -> None:
    assert is_header(rows) is expected


def test_a_guess_about_the_header_is_said_and_a_choice_is_not(tmp_path: Path) -> None:
    table = "smiles\nCCO\nCC(=O)O\n"
    found, notes = texts(tmp_path / "a.csv", table)
    assert found == ["CCO", "CC(=O)O"]
    assert notes == [
        "the first row, 'smiles', is taken for the names of the columns (--no-header if it is a text)"
    ]
    _, notes = texts(tmp_path / "a.csv", "Emma\nOlivia\n")
    assert notes == ["the first row, 'Emma', is taken for a text (--header if it names the columns)"]
    for options in ({"header": True}, {"header": False}, {"text": "smiles"}):
        assert texts(tmp_path / "a.csv", table, **options)[1] == []
    assert texts(tmp_path / "a.csv", "1,a\n2,b\n", text=1)[1] == []
