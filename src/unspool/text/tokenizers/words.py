"""The tokenizer of words, by the rules of `word_tokens`."""

from unspool.text.tokenizers.vocabulary import VocabularyTokenizer
from unspool.text.tokenizers.word_tokens import complete_length, split_words


class WordTokenizer(VocabularyTokenizer):
    """Read a text word by word; white space and punctuation are symbols too, so that nothing is lost."""

    kind = "word"
    description = "word by word"

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into words, punctuation and white space; see `word_tokens`."""
        return split_words(text)

    @staticmethod
    def complete_length(text: str) -> int:
        """Tell how much of an unfinished text can be split without knowing how it goes on."""
        return complete_length(text)
