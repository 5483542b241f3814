"""The tokenizer of words, by the rules of `word_tokens`."""

from unspool._text.tokenizers.counting import Counter, SymbolCounter
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer
from unspool._text.tokenizers.word_tokens import complete_length, split_words


class WordTokenizer(VocabularyTokenizer):
    """A tokenizer of words; white space and punctuation are symbols too, so that nothing is lost.

    Args:
        symbols: The symbols in the order of their ids, without the special ones.
        unk: Whether there is an ``<unk>`` for unknown symbols.
        normalization: Unicode form of the texts, or None for no normalization.
        spelling_model: The probability of each spelling that ``<unk>`` stands for, or None.

    Example:
        >>> from unspool import WordTokenizer
        >>> tokenizer = WordTokenizer.fit(["a cat, a cow"], max_vocab_size=6)
        >>> tokenizer.symbols
        (' ', 'a', 'cat', '<unk>')
    """

    kind = "word"
    description = "word by word"

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into words, punctuation and white space; see `word_tokens`.

        Example:
            >>> unspool.WordTokenizer.split("a cat's tail")
            ['a', ' ', "cat's", ' ', 'tail']
        """
        return split_words(text)

    @classmethod
    def counter(cls) -> Counter:
        """Return the counter for a new tokenizer of this kind.

        Example:
            >>> counter = unspool.WordTokenizer.counter()
            >>> numbers, lengths = counter.number_texts(["a cat"])
            >>> counter.symbols()
            ['a', ' ', 'cat']
        """
        return SymbolCounter(cls.split)

    @staticmethod
    def complete_length(text: str) -> int:
        """Return the length of the start of an unfinished text that can be split whatever follows.

        Example:
            >>> unspool.WordTokenizer.complete_length("a cat")
            2
        """
        return complete_length(text)
