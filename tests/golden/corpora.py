"""Small corpora, made by a rule: the same on every machine, in every format that is read."""

import gzip
import json
import random
from pathlib import Path

SUBJECTS = ("Oil", "Gold", "The team", "A court", "Zoë's café", "Tokyo 東京", "The king", "Rain", "Mr. Smith")
VERBS = ("falls", "rises", "wins", "loses", "opens", "closes", "sings")
REST = ("again", "in May", "by 3.5%", "at last", "for the 2nd time", "to Ireland’s delight", "– or not?")
LABELS = ("Business", "Sports", "World")
MONTHS = ("january", "february", "march", "april", "may", "june", "july")
VERSE = (
    "The sea is grey, the sea is wide,", "and all the ships are on the tide;", "no wind, no bird, no bell,",
    "", "the night is old, the moon is new,", "\tand what is false, and what is true,", "no one can tell.",
    "Who goes there? Nobody. Dr. Brown did. He went at 3 p.m. sharp!",
)  # fmt: skip


def headlines(count: int = 150, seed: int = 0) -> list[str]:
    """Make headlines; some come twice."""
    draw = random.Random(seed)
    return [" ".join(draw.choice(part) for part in (SUBJECTS, VERBS, REST)) for _ in range(count)]


def labelled(count: int = 120) -> list[dict[str, str]]:
    """Make headlines with a label, all labels as often, a number, and now and then nothing known."""
    draw = random.Random(1)
    labels = [("", *LABELS)[number % 10 % 4] for number in range(count)]
    draw.shuffle(labels)
    rows = []
    for text, label in zip(headlines(count, seed=2), labels, strict=True):
        rows.append({"label": label, "score": f"{draw.uniform(-2, 9):.2f}", "title": f"{label[:1]}: {text}"})
    return rows


def pairs(count: int = 160) -> list[tuple[str, str]]:
    """Make pairs of a date in words and in numbers."""
    draw = random.Random(3)
    days = [(draw.randrange(1, 29), draw.randrange(len(MONTHS))) for _ in range(count)]
    return [(f"{day} {MONTHS[month]}", f"{month + 1:02}-{day:02}") for day, month in days]


def vectors(count: int = 60) -> list[dict[str, object]]:
    """Make texts that start from a vector."""
    draw = random.Random(4)
    words = {"left": [1.0, 0.0, 0.5], "right": [0.0, 1.0, -0.5]}
    return [{"text": word, "vector": words[word]} for word in draw.choices(list(words), k=count)]


def poem(count: int = 60) -> str:
    """Make one text of many lines."""
    draw = random.Random(5)
    return "\n".join(draw.choice(VERSE) for _ in range(count)) + "\n"


def write_corpora(folder: Path) -> None:
    """Write all of it as files of each format."""
    lines = "".join(f"{text}\n" for text in headlines())
    rows = labelled()
    table = "".join(f"{row['label']}{{0}}{row['score']}{{0}}{row['title']}\n" for row in rows)
    files = {
        "headlines.txt": lines.encode(),
        "windows.txt": b"\xef\xbb\xbf" + lines.replace("\n", "\r\n").encode(),
        "headlines.txt.gz": gzip.compress(lines.encode(), mtime=0),
        "others.txt": "".join(f"{text}\n" for text in headlines(30, seed=9)).encode(),
        "poem.txt": poem().encode(),
        "news.csv": ("label,score,title\n" + table.format(",")).encode(),
        "bare.tsv": table.format("\t").encode(),
        "news.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(),
        "dates.tsv": "".join(f"{source}\t{text}\n" for source, text in pairs()).encode(),
        "sources.txt": b"3 march\n14 may\n",
        "empty.txt": b"\n \n",
        "latin.txt": "fine\ncafé\n".encode("latin-1"),
        "unknown.txt": "Oil falls again\nOil ЖЖ rises\n\nß\n".encode(),
        "wrong.toml": b'epochs = "many"\n',
        "unknown.toml": b"epoch = 3\n",
        "ragged.csv": b"label,title\nx,fine\ny\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "several").mkdir()
    for number, part in enumerate((lines[:900], lines[900:])):
        (folder / "several" / f"{number}.txt").write_text(part, "utf-8")
