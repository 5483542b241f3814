"""Colours that are written as SVG has them, and letters that can be read on them."""

import re

import pytest

from unspool._pictures.colours import BLUE, GREEN, GREY, HEAT, ORANGE


def luminance(colour: str) -> float:
    """Compute the relative luminance of WCAG 2."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, GREY, *(colour for pair in HEAT for colour in pair)])
def test_a_colour_is_six_digits(colour: str) -> None:
    assert re.fullmatch("#[0-9a-f]{6}", colour)


def test_letters_stand_out_from_boxes_that_become_darker() -> None:
    assert len(HEAT) == 7
    assert all(contrast(box, letters) >= 4.5 for box, letters in HEAT)
    yellow_to_dark = [luminance(box) for box, _ in HEAT[2:]]
    assert yellow_to_dark == sorted(yellow_to_dark, reverse=True)


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, GREY])
def test_lines_stand_out_from_white_and_from_black(colour: str) -> None:
    assert min(contrast(colour, "#ffffff"), contrast(colour, "#000000")) >= 3
