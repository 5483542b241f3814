"""Lines are found, hashed and numbered as plain Python does it, by every instruction set."""

import hashlib
import random

import numpy as np
import pytest

from unspool._kernels.lines import EVERY_LINE, Numbering, find_lines, recode, to_codepoints
from unspool._kernels.machine import kernel_names

ASCII = "ab \t~\x00"
WIDE = "a\u00e9\u4e2d\U0001f642 \u3000"
HALF = 1 << 63


def some_text(alphabet: str, seed: int) -> str:
    """Draw lines of all lengths, among them those around the 128 bytes that are hashed at once."""
    draw = random.Random(seed)
    lengths = [*range(0, 140), 255, 256, 257, 384, 1000] * 2
    draw.shuffle(lengths)
    return "\n".join("".join(draw.choices(alphabet, k=length)) for length in lengths)


def below(line: str, limit: int) -> bool:
    """Tell what `find_lines` must tell of a line."""
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big") < limit


@pytest.mark.parametrize("kernels", kernel_names())
@pytest.mark.parametrize("alphabet", [ASCII, WIDE])
@pytest.mark.parametrize("limit", [0, 1, HALF, EVERY_LINE - 1, EVERY_LINE])
def test_every_instruction_set_finds_the_lines_of_python(kernels: str, alphabet: str, limit: int) -> None:
    for seed, end in enumerate(("", "\n", "\n\n \n")):
        text = some_text(alphabet, seed) + end
        lines = find_lines(to_codepoints(text), limit=limit, kernels=kernels)
        found = [text[begin:end] for begin, end in lines.bounds.tolist()]
        assert found == [line for line in text.split("\n") if line and not line.isspace()]
        assert lines.held_out.tolist() == [below(line, limit) for line in found]


@pytest.mark.parametrize("count", range(20))
def test_so_does_each_number_of_lines(count: int) -> None:
    text = "x" * 300 + "\n" + "\n".join(str(i) for i in range(count))
    for kernels in kernel_names():
        lines = find_lines(to_codepoints(text), limit=HALF, kernels=kernels)
        assert lines.held_out.tolist() == [below(line, HALF) for line in text.split("\n") if line]


@pytest.mark.parametrize("alphabet", [ASCII, WIDE])
def test_characters_are_numbered_in_their_order_and_counted(alphabet: str) -> None:
    numbering = Numbering()
    numbers: dict[str, int] = {}
    counts: dict[str, int] = {}
    for seed in range(3):
        text = some_text(alphabet[: seed + 4], seed)
        expected: tuple[list[int], list[int]] = ([], [])
        lines = find_lines(to_codepoints(text), limit=HALF)
        for begin, end in lines.bounds.tolist():
            side = expected[below(text[begin:end], HALF)]
            for character in text[begin:end]:
                side.append(numbers.setdefault(character, len(numbers) + 1))
                counts[character] = counts.get(character, 0) + 1
            side.append(0)
        codes = to_codepoints(text)
        assert numbering.try_number(codes, lines) is None
        first = numbering.number(codes, lines)
        tried = numbering.try_number(codes, lines)
        for done in (first, numbering.number(codes, lines, tried=tried)):
            assert [done.training.tolist(), done.validation.tolist()] == list(expected)
            for ends, side in ((done.training_ends, expected[0]), (done.validation_ends, expected[1])):
                assert ends.tolist() == [i + 1 for i, number in enumerate(side) if not number]
    assert numbering.symbols() == list(numbers)
    assert numbering.counts().tolist() == [2 * counts[character] for character in numbers]


@pytest.mark.parametrize("source", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("target", [np.uint8, np.uint16, np.uint32])
def test_numbers_are_looked_up(source: type[np.generic], target: type[np.generic]) -> None:
    random = np.random.default_rng(0)
    table = random.integers(0, 256, 200).astype(target)
    for count in (0, 1, 1000):
        numbers = random.integers(0, 200, count).astype(source)
        found = recode(numbers, table)
        assert found.dtype == target
        assert found.tolist() == table[numbers].tolist()
    with pytest.raises(IndexError, match="below 200, got 200"):
        recode(np.array([200], source), table)


def test_a_line_is_empty_where_python_calls_its_characters_spaces() -> None:
    edges = {code + by for code in range(0x110000) if chr(code).isspace() for by in (-1, 0, 1)} - {9, 10, 11}
    for codes in ([code for code in sorted(edges) if code > 0], [9, 11]):  # 10 ends a line
        text = "\n".join(map(chr, codes))
        bounds = find_lines(to_codepoints(text), limit=0).bounds
        found = [text[begin:end] for begin, end in bounds.tolist()]
        assert found == [chr(code) for code in codes if not chr(code).isspace() and code != 10]


@pytest.mark.parametrize("kernels", kernel_names())
@pytest.mark.parametrize(
    "code",
    [0x7F, 0x80, 0xBF, 0x7FF, 0x800, 0xFFF, 0xD7FF, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF],
    ids=hex,
)
def test_the_hash_of_a_character_is_exactly_that_of_python(kernels: str, code: int) -> None:
    for line in (chr(code), f"{chr(code)}a", f"\u4e00{chr(code) * 2}"):
        digest = int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")
        for limit in (digest, digest + 1):
            found = find_lines(to_codepoints(line), limit=limit, kernels=kernels)
            assert found.held_out.tolist() == [digest < limit]
