"""Colours that can be read on white and on black, and told apart with colour blindness."""

BLUE, ORANGE, GREEN, GREY = "#3d86d6", "#d9691c", "#2e9e4f", "#8a8a8a"

# From pale to dark: a box, and letters with a contrast of at least 4.5 : 1 on it.
HEAT = (
    ("#bcd9cb", "#000000"), ("#b5d28c", "#000000"), ("#e6d368", "#000000"), ("#f0b04c", "#000000"),
    ("#ec8443", "#000000"), ("#c93a2b", "#ffffff"), ("#8c1a5b", "#ffffff"),
)  # fmt: skip
