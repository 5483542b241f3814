"""The table of tokenizers.

A new one is a class in a file of its own, a `Tokenizer` or, if all that it learns is a list of symbols, a
`VocabularyTokenizer`, and its row in `TOKENIZERS`.
"""

from unspool.errors import ConfigError
from unspool.text.tokenizers.bytes import ByteTokenizer
from unspool.text.tokenizers.chars import CharTokenizer
from unspool.text.tokenizers.tokenizer import PAD_ID, Tokenizer
from unspool.text.tokenizers.tokenizer_files import read_tokenizer
from unspool.text.tokenizers.words import WordTokenizer

__all__ = ["PAD_ID", "ByteTokenizer", "CharTokenizer", "Tokenizer", "WordTokenizer"]

TOKENIZERS: dict[str, type[Tokenizer]] = {
    "char": CharTokenizer,
    "word": WordTokenizer,
    "bytes": ByteTokenizer,
}


def tokenizer_from_json(text: str, *, where: str) -> Tokenizer:
    """Read a tokenizer of any kind from its JSON text.

    Args:
        text: What `Tokenizer.to_json` wrote.
        where: What the text was read from, for messages.

    Raises:
        TokenizerError: If anything about the text is wrong; the message says what.
    """
    file = read_tokenizer(text, where=where, keys={kind: row.learnt_keys for kind, row in TOKENIZERS.items()})
    return TOKENIZERS[file.kind]._from_file(file, where)


def tokenizer_class(kind: str) -> type[Tokenizer]:
    """Look a kind of tokenizer up by name.

    Raises:
        ConfigError: If there is no such kind.
    """
    if kind not in TOKENIZERS:
        raise ConfigError("parameter tokenizer", expected=f"one of {', '.join(TOKENIZERS)}", got=repr(kind))
    return TOKENIZERS[kind]
