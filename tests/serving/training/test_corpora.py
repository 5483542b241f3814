"""Texts that are uploaded: what is read in them, what is refused, and what hostile ones can do: nothing."""

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.conftest import error_of, serving
from tests.serving.training.conftest import NAMES, TABLE, uploaded
from unspool._serving.limits import Limits
from unspool._serving.served import Served
from unspool._serving.training import reader
from unspool._serving.training.uploads import FOLDER

NO_TEXT = (415, "corpus_is_no_text")


def kept(runs: Path) -> list[str]:
    return sorted(path.name for path in (runs / FOLDER).iterdir())


def test_lines_are_read_and_counted(desk: httpx.Client, runs: Path) -> None:
    text = "Anna\ncafe\u0301\nOtto\n"
    read = uploaded(desk, text, r"C:\tables\na<b>mes.TXT")
    assert read["name"] == "na<b>mes.TXT"
    assert read["bytes"] == len(text.encode())
    assert (read["format"], read["document"], read["columns"], read["column"]) == ("text", False, [], None)
    assert (read["texts"], read["characters"], read["longest"]) == (3, 4 + 4 + 4, 4)
    assert read["symbols"] == len(set("Annacaf\u00e9Otto"))
    assert (read["normalization"], read["normalized"]) == ("NFC", 1)
    assert read["rows"] == [["Anna"], ["caf\u00e9"], ["Otto"]]
    assert read["complete"] is True
    assert kept(runs) == [f"{read['id']}.facts", f"{read['id']}.txt"]
    assert (runs / FOLDER / f"{read['id']}.txt").read_bytes() == text.encode()


def test_pasted_text_that_looks_like_a_document_is_one(desk: httpx.Client) -> None:
    text = "First verse\nis here\n\nSecond verse\nis here too\n\nThird\n"
    read = uploaded(desk, text)
    assert (read["name"], read["document"], read["texts"], read["characters"]) == (
        "pasted text",
        True,
        1,
        len(text),
    )
    assert "one document" in read["how"]
    assert read["rows"] == [[text]]
    lines = desk.get(f"/api/corpora/{read['id']}", params={"document": "false"}).json()
    assert (lines["document"], lines["texts"], lines["name"]) == (False, 5, "pasted text")


def test_a_table_without_names_has_numbers(desk: httpx.Client) -> None:
    read = uploaded(desk, TABLE.partition("\n")[2], "a.csv")
    assert (read["header"], read["columns"], read["column"]) == (False, ["0", "1", "2"], "2")
    named = desk.get(f"/api/corpora/{read['id']}", params={"header": "true"}).json()
    assert (named["header"], named["texts"]) == (True, 39)


def test_what_was_left_out_is_told_with_the_name_that_the_owner_gave(desk: httpx.Client) -> None:
    read = uploaded(desk, "text,n\none,1\n,2\ntwo,3\n", 'my "own".csv')
    assert (read["texts"], read["column"], read["column_because"]) == (2, "text", "named")
    (note,) = [note for note in read["notes"] if note["warning"]]
    assert note["sentence"] == '1 row has no text and was passed over (my "own".csv, line 3)'


def test_a_plan_comes_with_the_minutes(desk: httpx.Client) -> None:
    read = uploaded(desk, NAMES, "names.txt", minutes=0.1)
    plan = read["plan"]
    assert plan["cell"] == "lstm"
    assert plan["symbols"] == len(set(NAMES)) - 1 + 2  # <pad> and <eos>, no line end
    assert plan["parameters"] > 1000
    assert any("symbols in this time" in reason for reason in plan["reasons"])
    alone = desk.get(f"/api/corpora/{read['id']}/plan", params={"minutes": 0.0001}).json()
    assert "minutes must be at least" in alone["problem"]
    missing = desk.get(f"/api/corpora/{read['id']}/plan")
    assert (missing.status_code, error_of(missing)["param"]) == (400, "minutes")


def test_the_same_text_is_kept_once(desk: httpx.Client, runs: Path) -> None:
    first, second = uploaded(desk, NAMES, "a.txt"), uploaded(desk, NAMES, "b.txt")
    assert first["id"] == second["id"]
    assert len(kept(runs)) == 2
    assert uploaded(desk, NAMES, "a.csv")["id"] != first["id"]  # it is read otherwise


@pytest.mark.parametrize(
    ("content", "name", "refusal", "words"),
    [
        (b"", "a.txt", (400, "corpus_empty"), "the text is empty"),
        (b"PK\x03\x04" + bytes(100), "a.docx", NO_TEXT, "zip archive or an office file"),
        (b"%PDF-1.7 \n%...", "a.txt", NO_TEXT, "a.txt: it looks like PDF"),
        (b"\x89PNG\r\n\x1a\n", "", NO_TEXT, "it looks like a picture"),
        (b"x" * 3000, "a.txt", (413, "corpus_too_large"), "at most 2.0 kB (2,048 bytes)"),
    ],
)
def test_what_is_no_text_is_refused_and_not_kept(
    runs: Path, content: bytes, name: str, refusal: tuple[int, str], words: str
) -> None:
    served = Served(roots=(runs,), limits=Limits(max_upload=2048))
    token = {"x-unspool-token": served.token}
    with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
        answer = client.post("/api/corpora", params={"name": name}, content=content)
        in_parts = client.post("/api/corpora", params={"name": name}, content=iter([content]))
    for each in (answer, in_parts):
        assert (each.status_code, error_of(each)["code"]) == refusal
        assert words in error_of(each)["message"]
    assert not (runs / FOLDER).exists() or kept(runs) == []


def test_a_text_that_cannot_be_read_is_a_sentence(desk: httpx.Client) -> None:
    answer = uploaded(desk, b"\xff\xfe\xfd", "<img src=x onerror=alert(1)>.txt")
    assert set(answer) == {"id", "object", "name", "bytes", "problem"}
    assert answer["problem"].startswith("<img src=x onerror=alert(1)>.txt")
    assert answer["id"] not in answer["problem"]  # its owner knows another name


def test_a_reader_that_is_killed_is_a_sentence(desk: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    answer = uploaded(desk, NAMES, "a.txt")
    assert answer["problem"] == "a.txt cannot be read: its reader ended with signal 9; is the file damaged?"


def test_a_reader_has_the_time_of_its_limit(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PROGRAM", "import time; time.sleep(60)")
    served = Served(roots=(runs,), limits=Limits(read_seconds=0.5))
    token = {"x-unspool-token": served.token}
    with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
        assert "could not be read in 0.5 seconds" in uploaded(client, NAMES, "a.txt")["problem"]


def test_a_reader_is_told_its_limits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PROGRAM", "import sys; print(sys.stdin.read())")  # says what it was asked
    limits = Limits(read_seconds=50, max_read_memory=2**31, max_upload=2**20)
    served = Served(roots=(runs,), limits=limits)
    token = {"x-unspool-token": served.token}
    with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
        told = uploaded(client, NAMES, "a.txt")
    assert (told["most_seconds"], told["most_memory"], told["most_bytes"]) == (50, 2**31, 2**20)


def test_a_gzip_bomb_is_not_unpacked(runs: Path) -> None:
    served = Served(roots=(runs,), limits=Limits(max_upload=1 << 16))
    token = {"x-unspool-token": served.token}
    with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
        bomb = gzip.compress(bytes(1 << 24))
        assert len(bomb) < 1 << 16
        answer = client.post("/api/corpora", params={"name": "a.txt.gz"}, content=bomb, timeout=30)
        assert "at most 65,536 bytes once it is unpacked" in answer.json()["problem"]
        fine = client.post("/api/corpora", params={"name": "b.gz"}, content=gzip.compress(NAMES.encode()))
        assert (fine.json()["texts"], fine.json()["packed"]) == (NAMES.count("\n"), True)


def test_another_encoding_can_be_chosen(desk: httpx.Client) -> None:
    answer = uploaded(desk, "你好\n再见\n".encode("gb18030"), "a.txt")
    assert "problem" in answer
    read = desk.get(f"/api/corpora/{answer['id']}", params={"encoding": "gb18030"}).json()
    assert read["rows"] == [["你好"], ["再见"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minutes", "0"),
        ("minutes", "nan"),
        ("minutes", "1e9"),
        ("minutes", "x"),
        ("document", "maybe"),
        ("encoding", "klingon"),
        ("tokenizer", "morpheme"),
        ("column", "a\nb"),
        ("column", "a" * 300),
    ],
)
def test_a_wrong_wish_is_named_before_anything_is_kept(
    desk: httpx.Client, runs: Path, name: str, value: str
) -> None:
    answer = desk.post("/api/corpora", params={name: value}, content=NAMES.encode())
    assert answer.status_code == 400
    assert error_of(answer)["param"] == name
    assert not (runs / FOLDER).exists()


def test_what_is_not_there_is_not_looked_for(desk: httpx.Client, runs: Path) -> None:
    (runs / "secret.txt").write_bytes(b"secret")
    for name in ("../secret", "..%2Fsecret", "secret.txt", "a" * 32, "%00"):
        answer = desk.get(f"/api/corpora/{name}")
        assert answer.status_code == 404
        assert "secret" not in answer.text or "no '" in answer.text


def test_a_text_wants_the_token_of_the_page(desk: httpx.Client, runs: Path) -> None:
    answer = desk.post("/api/corpora", content=b"text", headers={"x-unspool-token": "no"})
    assert (answer.status_code, error_of(answer)["code"]) == (403, "invalid_token")
    assert not (runs / FOLDER).exists()


def test_a_server_of_models_alone_and_an_open_one_train_nothing(models: Path, runs: Path) -> None:
    for roots, is_local, words in (
        ((models / "tiny",), True, "no folder"),
        ((runs,), False, "open to every"),
    ):
        served = Served(roots=roots, is_local=is_local)
        token = {"x-unspool-token": served.token}
        with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
            answer = client.post("/api/corpora", content=b"text")
            assert (answer.status_code, error_of(answer)["code"]) == (403, "no_trainings")
            assert words in error_of(answer)["message"]


def test_a_client_that_goes_leaves_nothing(desk: httpx.Client, runs: Path) -> None:
    def wait(*, for_some: bool) -> None:
        end = time.monotonic() + 10
        while ((runs / FOLDER).exists() and kept(runs) != []) != for_some:
            assert time.monotonic() < end
            time.sleep(0.05)

    def parts() -> Iterator[bytes]:
        yield b"a" * (1 << 21)
        wait(for_some=True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.post("/api/corpora", content=parts())
    wait(for_some=False)


def test_a_full_disk_is_a_sentence(desk: httpx.Client, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Free(1 << 26))
    answer = desk.post("/api/corpora", content=b"text")
    assert (answer.status_code, error_of(answer)["code"]) == (507, "no_space")
    assert "0 B are left on the disk" in error_of(answer)["message"]
    assert kept(runs) == []


class Free:
    def __init__(self, free: int) -> None:
        self.free = free
