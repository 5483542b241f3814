"""Any text encoding is read; one is named for evidence only; damage of a wrong one is seen."""

import gzip
from pathlib import Path

import pytest

from unspool._errors import CorpusError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.encodings import JUDGES, candidates, is_text_encoding
from unspool._text.reading.sources import SOURCES, read_records, records_from_spec
from unspool._text.records import Records

TEXTS = ["Un café à Paris", "„Straße“ – schön"]
ROWS: list[dict[str, str | None]] = [{"text": text} for text in TEXTS]
TEXT_SOURCES = [name for name, known in SOURCES.items() if not known.binary]


@pytest.mark.parametrize("name", TEXT_SOURCES)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-32", "utf-16-be", "utf-7", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_text_format_is_read_in_any_encoding(
    tmp_path: Path, name: str, encoding: str, packed: bool
) -> None:
    data = SOURCES[name].write(ROWS).decode().encode(encoding)
    path = tmp_path / f"a{SOURCES[name].suffixes[0]}{'.gz' * packed}"
    path.write_bytes(gzip.compress(data) if packed else data)
    records = read_records(path, encoding=encoding)
    assert [record.text for record in records] == TEXTS
    assert [record.text for record in records_from_spec(records.spec)] == TEXTS
    assert encode_corpus(records, EncodingRecipe()).training.num_records == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", TEXT_SOURCES)
def test_a_byte_order_mark_says_what_it_is(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
    path.write_bytes(SOURCES[name].write(ROWS).decode().encode(encoding))
    assert [record.text for record in read_records(path)] == TEXTS


def test_a_big_endian_mark_is_known_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xfe\xff" + "é\r\nb".encode("utf-16-be"))
    assert [record.text for record in read_records(tmp_path / "a.txt")] == ["é", "b"]


def test_what_is_no_text_encoding_is_told() -> None:
    good = ("utf-8", "CP1252", "latin 1", "gbk", "shift_jis", "utf-16", "koi8-r")
    bad = ("rot13", "base64", "hex", "zlib", "undefined", "klingon", "", "a\0b", 8, None)
    assert [name for name in (*good, *bad) if is_text_encoding(name)] == list(good)


SAMPLES = {
    "cp1252": "“No one’s” heard the café\n",
    "cp1251": "Привет, как дела? Сегодня хорошая погода.\n",
    "koi8-r": "Привет, как дела? Сегодня хорошая погода.\n",
    "cp866": "Привет, как дела? Сегодня хорошая погода.\n",
    "cp1250": "Zażółć gęślą jaźń, dzień dobry\n",
    "mac-roman": "Le garçon très âgé a mangé\n",
    "cp850": "Le garçon très âgé a mangé\n",
    "iso8859-2": "Zażółć gęślą jaźń, dzień dobry\n",
    "cp1255": "שלום עולם, היום יום יפה והחתול ישן\n",
    "cp1257": "Ąžuolas žaliuoja, šviečia saulė, ėjo vyrų būrys\n",
    "cp1253": "Καλημέρα, τι κάνεις σήμερα;\n",
    "gb18030": "今天河边的风很大。\n",
    "big5": "今天天氣很好，我們去公園玩。\n",
    "shift_jis": "今日は天気がいいですね。\n",
    "euc_jp": "今日は天気がいいですね。\n",
    "cp949": "오늘은 날씨가 좋습니다. 공원에 갑시다.\n",
}


@pytest.mark.parametrize("encoding", SAMPLES)
def test_the_bytes_speak_for_their_encoding(tmp_path: Path, encoding: str) -> None:
    text = "plain words first\n" + SAMPLES[encoding]
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    with pytest.raises(CorpusError, match=rf"line 2, .*--encoding {encoding} reads '(\S+)") as caught:
        list(read_records(tmp_path / "a.txt"))
    assert SAMPLES[encoding].split()[0] in str(caught.value)
    assert str(caught.value).count("reads") == 1
    assert (
        "".join(record.text + "\n" for record in read_records(tmp_path / "a.txt", encoding=encoding)) == text
    )


def test_all_that_may_be_named_are_tried_here() -> None:
    assert set(JUDGES) - set(SAMPLES) == {"cp1254"}  # reads Turkish, which cp1252 reads as Icelandic


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Le forêt où la fée a dansé après le dîner était à côté du château.\n"),
        ("cp1252", "Größere Häuser stehen schöner an der Straße über dem Fluss.\n"),
        ("cp1252", "Não há avó que não dê pão à criança; três ou não, então põe.\n"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy a šel dál.\n"),
        ("cp1250", "Két őz és hét fűzfa áll a tó mellett, gyűlölöm a ködöt.\n"),
        ("iso8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy a šel dál.\n"),
        ("cp1257", "Šodien ir jauka diena, ņem ķirsi un ēd to pie jūras.\n"),
        ("cp1254", "Çocuk kışın ağır ağır yürüyor, güneş doğmuş, ışık az.\n"),
    ],
)
def test_letters_that_one_language_has_outweigh_a_mixture(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    place = next(place for place, byte in enumerate(data) if byte > 127)
    found = candidates(data, place)
    assert found[0][0] == encoding
    assert len(found) == 1, "no other reading of these letters is one language"


@pytest.mark.parametrize(
    "data",
    [
        b"\xe9",
        b"caf\xe9\xe8\xe0\xf9\xfc\xea\xf4",  # more accents than letters
        bytes(range(128, 256)),
        b"ab\x81\x8d\x90\xff",
        "Güneş doğuyor, çocuklar oynuyor. Işık söndü.".encode("cp857"),  # cp850 reads Güneƒ doºuyor
        "Καλημέρα".encode("iso8859-5", "ignore") + b"\xa1\xa2",
    ],
)
def test_nothing_is_named_without_evidence(data: bytes) -> None:
    assert candidates(data, 0) == []


def test_latin_1_is_not_named_for_quotes_of_windows() -> None:
    (named,) = candidates(b"\x93No one\x92s\x94", 0)
    assert named == ("cp1252", "“No one’s”")


@pytest.mark.parametrize(("encoding", "data"), [("utf-16", b"\xff\xfea\0\n\0\0\xd8x\0"), ("gbk", b"a\n\xff")])
def test_a_byte_that_the_encoding_does_not_have_is_named_with_its_line(
    tmp_path: Path, encoding: str, data: bytes
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(
        CorpusError, match=rf"a\.txt, line 2: not {encoding}: got 0x.*choose another --encoding"
    ):
        list(read_records(tmp_path / "a.txt", encoding=encoding))


def test_a_picture_is_no_text_in_any_encoding(tmp_path: Path) -> None:
    for data in (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), bytes(100)):
        (tmp_path / "a.txt").write_bytes(data)
        with pytest.raises(CorpusError, match="expected text"):
            list(read_records(tmp_path / "a.txt", encoding="latin-1"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("He said \x93no\x94\n", r"2 control characters such as in 'He said \\x93no\\x94'.*cp1252"),
        ("The caf\ufffd is closed\n", r"1 U\+FFFD such as in 'The caf. is closed'"),
        ("The cafÃ© is closed\n", "1 Ã© or its like such as in 'The cafÃ© is closed"),
        ("No oneâ€™s\n", "1 Ã© or its like such as in 'No oneâ€™s"),
        ("Â«ÐŸÑ€Ð¸Ð²ÐµÑ‚Â»\n", "8 Ã© or its likes such as"),
        (
            "more\n\ufeffof another file",
            r"1 U\+FEFF such as in '\\ufeffof another file', which is the",
        ),
        ("cut\ufeffof another file\n", r"1 U\+FEFF such as in 'cut\\ufeffof another file'"),
        ("\x1b$B$3$s\x1b(B \x1b$B$P\x1b(B\n", r"2 ISO-2022-JP escapes such as .*--encoding iso2022_jp"),
    ],
)
def test_damage_is_said_with_its_number_and_an_example(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.txt").write_text("plain\n" * 3 + text, "utf-8")
    records = read_records(tmp_path / "a.txt")
    with pytest.warns(RuntimeWarning, match=sentence):
        encode_corpus(records, EncodingRecipe())
    list(records)
    (said,) = records.notes
    assert said.startswith(str(tmp_path / "a.txt"))


def test_a_mark_at_the_beginning_and_colours_of_a_terminal_are_no_damage(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffplain\n\x1b[31mred\x1b[0m and café\n", "utf-8")
    records = read_records(tmp_path / "a.txt")
    assert [record.text for record in records] == ["plain", "\x1b[31mred\x1b[0m and café"]
    assert list(records.notes) == []
    escaped = "こんにちは\n".encode("iso2022_jp")
    (tmp_path / "b.txt").write_bytes(escaped)
    read = read_records(tmp_path / "b.txt", encoding="iso2022_jp")
    assert ([record.text for record in read], list(read.notes)) == (["こんにちは"], [])


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_looks_for_damage_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
    path.write_bytes(SOURCES[name].write([{"text": "plain"}, {"text": "The cafÃ© is closed"}]))
    records = read_records(path)
    assert [record.text for record in records][1] == "The cafÃ© is closed"
    signs = [note for note in records.notes if "Ã©" in note]
    assert len(signs) == 1
    assert signs[0].startswith(f"{path}: 1 Ã© or its like such as in 'The cafÃ© is closed'")


def test_texts_in_memory_are_looked_at_too() -> None:
    assert "1 U+FEFF such as" in next(iter(Records.of(["\ufefffirst", "second"]).notes))
    records = Records.of(["plain", "No one\x92s"])
    list(records)
    (said,) = records.notes
    assert said.startswith(r"the texts: 1 control character such as in 'No one\x92s'")


@pytest.mark.parametrize(
    "text",
    [
        "à Â et Ã, NÃO, “Ñandú”",
        "Cœur « entre guillemets » – 5 € â",
        "Привет 漢字 🎈",
        "Ð og þ á Íslandi",
        "a\x85b",
    ],
)
def test_whole_texts_are_not_called_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text, "utf-8")
    records = read_records(tmp_path / "a.txt")
    list(records)
    assert list(records.notes) == []
