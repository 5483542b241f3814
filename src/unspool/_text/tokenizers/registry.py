"""The table of tokenizers.

A new one is a class in its own file and a row in `TOKENIZERS`. The class is a `Tokenizer` or, if it learns
only a list of symbols, a `VocabularyTokenizer`.
"""

from unspool._configuration import as_spelled
from unspool._errors import ConfigError, TokenizerError
from unspool._text.tokenizers.bpe import BpeTokenizer
from unspool._text.tokenizers.bytes import ByteTokenizer
from unspool._text.tokenizers.chars import CharTokenizer
from unspool._text.tokenizers.patterns import (
    REGEX,
    AbcTokenizer,
    CodeTokenizer,
    RegexTokenizer,
    SelfiesTokenizer,
    SmilesTokenizer,
)
from unspool._text.tokenizers.tokenizer import PAD_ID, Tokenizer
from unspool._text.tokenizers.tokenizer_files import read_tokenizer
from unspool._text.tokenizers.words import WordTokenizer

__all__ = ["PAD_ID", "ByteTokenizer", "CharTokenizer", "Tokenizer", "WordTokenizer"]

TOKENIZERS: dict[str, type[Tokenizer]] = {
    "char": CharTokenizer,
    "word": WordTokenizer,
    "bytes": ByteTokenizer,
    "bpe": BpeTokenizer,
    "smiles": SmilesTokenizer,
    "selfies": SelfiesTokenizer,
    "abc": AbcTokenizer,
    "code": CodeTokenizer,
}


def tokenizer_from_json(text: str, *, where: str) -> Tokenizer:
    """Read a tokenizer of any kind from its JSON text.

    Args:
        text: The text that `Tokenizer.to_json` returned.
        where: The place that the text was read from, for messages.

    Raises:
        TokenizerError: If anything in the text is wrong; the message names it.
    """
    rows = TOKENIZERS | {REGEX: RegexTokenizer}
    keys = {kind: (row.learnt_keys, row.optional_keys) for kind, row in rows.items()}
    file = read_tokenizer(text, where=where, keys=keys)
    try:
        return tokenizer_class(file.kind)._from_file(file, where)
    except ConfigError as error:
        what = f"{where}: kind: {error.what}"
        raise TokenizerError(what, expected=error.expected, got=error.got, hint=error.hint) from None


def tokenizer_class(kind: str) -> type[Tokenizer]:
    """Return the class of a kind of tokenizer.

    Args:
        kind: A name in `TOKENIZERS`, in upper or lower case, or "regex:" and a regular expression.

    Raises:
        ConfigError: If there is no such kind, or if the expression is wrong.
    """
    if kind.startswith(REGEX):
        return RegexTokenizer.of(kind.removeprefix(REGEX))
    kind = as_spelled(kind, TOKENIZERS)
    if kind not in TOKENIZERS:
        expected = f"one of {', '.join(TOKENIZERS)}, or {REGEX}EXPRESSION"
        raise ConfigError("tokenizer", expected=expected, got=repr(kind))
    return TOKENIZERS[kind]
