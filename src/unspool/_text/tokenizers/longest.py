"""Cut texts into the longest symbols of a vocabulary."""

from collections.abc import Collection


class LongestSymbols:
    """A vocabulary that cuts a text from left to right, each time at the end of the longest symbol there.

    Args:
        symbols: The symbols.

    Example:
        >>> LongestSymbols(["C", "Cl", "c"]).cut("ClCN")
        ['Cl', 'C', 'N']
    """

    def __init__(self, symbols: Collection[str]) -> None:
        self._long = frozenset(symbol for symbol in symbols if len(symbol) > 1)
        lengths: dict[str, set[int]] = {}
        for symbol in self._long:
            lengths.setdefault(symbol[0], set()).add(len(symbol))
        self._lengths = {letter: sorted(several, reverse=True) for letter, several in lengths.items()}

    def cut(self, text: str) -> list[str]:
        """Return the symbols of a text, and a single character where none fits; joined, they are the text.

        Args:
            text: Any text.
        """
        if not self._lengths:
            return list(text)
        lengths, long, pieces, begin = self._lengths, self._long, [], 0
        while begin < len(text):
            piece = text[begin]
            for length in lengths.get(piece, ()):
                if (longer := text[begin : begin + length]) in long:
                    piece = longer
                    break
            pieces.append(piece)
            begin += len(piece)
        return pieces
