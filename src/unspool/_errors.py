"""Every error that unspool raises on purpose, and how it warns.

::

    UnspoolError
    ├── InputError (ValueError)        something given by the user cannot be used; exit code 2
    │   ├── ConfigError                a configuration value or key
    │   ├── CorpusError                a file, a stream, a column, a byte
    │   │   └── DownloadError          a named corpus that cannot be fetched or verified
    │   ├── TokenizerError             a broken tokenizer file
    │   │   └── UnknownSymbolError     a text with a symbol that the model does not know
    │   ├── ArtifactError              a model folder or a checkpoint
    │   └── NetworkError               weights that lead to numbers beyond float32
    └── DivergenceError                the loss stopped being finite; the last good state is saved

An error names what is wrong, what was expected, what was found and what to do next. Its message can be
encoded, and has at most a few hundred characters of what the user gave.
"""

import re
import sys
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parent)
LONGEST = 300  # characters of each part of an error; what a user gave may be a whole book
ESCAPED_BYTES = re.compile("[\udc80-\udcff]+")
OPTION = (
    r"(.*: )?(--)?[A-Za-z_][\w-]*"  # the name of an option or a flag, with the file it stands in before it
)


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn, at the line outside unspool that has called it."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class UnspoolError(Exception):
    """Base class of every error that unspool raises on purpose.

    Example:
        >>> import unspool
        >>> try:
        ...     unspool.TrainingConfig(epochs=0)
        ... except unspool.UnspoolError as error:
        ...     print(type(error).__name__)
        ConfigError
    """


class InputError(UnspoolError, ValueError):
    """Something that the user gave cannot be used.

    Args:
        what: The name of the wrong thing: a file with its line, a parameter, a flag.
        expected: A description of what would have been right.
        got: A description of what was found.
        hint: Advice on what to do next.

    Example:
        >>> from unspool import InputError
        >>> print(InputError("names.txt", expected="UTF-8", got="byte 0xff", hint="choose an encoding"))
        names.txt: expected UTF-8, got byte 0xff; choose an encoding
    """

    def __init__(
        self, what: str, *, expected: str | None = None, got: str | None = None, hint: str | None = None
    ) -> None:
        self.what = shortened(what)
        self.expected, self.got, self.hint = (part and shortened(part) for part in (expected, got, hint))
        super().__init__(spelled("; ".join(part for part in (self._sentence(), self.hint) if part)))

    def _sentence(self) -> str:
        """Return what is wrong, what was expected and what was found."""
        facts = (("expected", self.expected), ("got", self.got))
        described = ", ".join(f"{name} {value}" for name, value in facts if value)
        return f"{self.what}: {described}" if described else self.what


def shortened(text: str) -> str:
    """Return a text with a mark in place of its middle, if it is long."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def spelled(text: str) -> str:
    r"""Return a text that can be encoded: a byte of a file's name that is not UTF-8 becomes ``\xff``.

    Args:
        text: A text, such as a path, in which Python holds such bytes as halves of surrogate pairs.
    """
    if text.isascii():
        return text
    return ESCAPED_BYTES.sub(_spelled_bytes, text).encode("utf-8", "backslashreplace").decode("utf-8")


def _spelled_bytes(match: re.Match[str]) -> str:
    return match.group().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class ConfigError(InputError):
    """A configuration has an unknown key or a value outside its range.

    Example:
        >>> import unspool
        >>> try:
        ...     unspool.TrainingConfig(epochs=0)
        ... except unspool.ConfigError as error:
        ...     print(error)
        epochs must be a whole number ≥ 1, or None; got 0
    """

    def _sentence(self) -> str:
        """Return what the value of an option must be, where the error is about one."""
        if not self.expected or not re.fullmatch(OPTION, self.what):
            return super()._sentence()
        return f"{self.what} must be {self.expected}" + (f"; got {self.got}" if self.got else "")


class CorpusError(InputError):
    """A corpus cannot be read: a file, a stream, a column or a byte is wrong.

    Example:
        >>> import unspool
        >>> try:
        ...     unspool.read_records("names.text")
        ... except unspool.CorpusError as error:
        ...     print(error.what)
        names.text: no such file or folder
    """


class DownloadError(CorpusError):
    """A named corpus cannot be fetched, or the data that arrived is not the published data.

    Example:
        >>> import unspool
        >>> issubclass(unspool.DownloadError, unspool.CorpusError)  # an `except CorpusError` catches both
        True
    """


class TokenizerError(InputError):
    """A tokenizer file is broken, or a tokenizer cannot be built from the text.

    Example:
        >>> import unspool
        >>> from unspool._text.tokenizers.registry import tokenizer_from_json
        >>> try:
        ...     tokenizer_from_json("{}", where="tokenizer.json")
        ... except unspool.TokenizerError as error:
        ...     print(error.what)
        tokenizer.json: key 'format_version' is missing
    """


class UnknownSymbolError(TokenizerError):
    """A text has a symbol that the model does not know.

    Example:
        >>> import unspool
        >>> try:
        ...     unspool.CharTokenizer.fit(["abc"]).encode("bad")
        ... except unspool.UnknownSymbolError as error:
        ...     print(error.what)
        unknown symbol 'd' (U+0064) at character 3 of the text
    """


class ArtifactError(InputError):
    """A model folder or a checkpoint is incomplete, damaged or does not fit together.

    Example:
        >>> import unspool
        >>> try:
        ...     unspool.load("no such folder")
        ... except unspool.ArtifactError as error:
        ...     print(error.expected)
        the folder of a model
    """


class NetworkError(InputError):
    """The weights of a network lead to logits that are not finite, or soon would not be.

    Example:
        >>> from unspool import NetworkError
        >>> NetworkError().expected
        'finite numbers up to 1e30'
    """

    def __init__(self) -> None:
        super().__init__(
            "the network's logits",
            expected="finite numbers up to 1e30",
            got="numbers beyond them",
            hint="the weights are damaged or far too large: load another model, or train it anew",
        )


class DivergenceError(UnspoolError):
    """The training loss stopped being finite; the last good state is on the disk.

    Example:
        >>> import tempfile, unspool
        >>> training = unspool.TrainingConfig(learning_rate=1e30, clip_norm=None)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     try:
        ...         unspool.train(["a cat", "a dog"] * 50, out=folder, training=training)
        ...     except unspool.DivergenceError as error:
        ...         print("a lower learning_rate" in str(error))
        True
    """
