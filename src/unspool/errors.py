"""Every error that unspool raises on purpose.

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
    └── DivergenceError                the loss stopped being finite; the last good state is kept

An error says what is wrong, what was expected, what was found and what to do next.
"""


class UnspoolError(Exception):
    """Base of every error raised on purpose."""


class InputError(UnspoolError, ValueError):
    """Something given by the user cannot be used.

    Args:
        what: The thing that is wrong, by name: a file with its line, a parameter, a flag.
        expected: What would have been right.
        got: What was found.
        hint: What to do next.
    """

    def __init__(
        self, what: str, *, expected: str | None = None, got: str | None = None, hint: str | None = None
    ) -> None:
        self.what, self.expected, self.got, self.hint = what, expected, got, hint
        facts = [f"{name} {value}" for name, value in (("expected", expected), ("got", got)) if value]
        message = what + (": " + ", ".join(facts) if facts else "")
        super().__init__(f"{message}; {hint}" if hint else message)


class ConfigError(InputError):
    """A configuration has an unknown key or a value outside its range."""


class CorpusError(InputError):
    """A corpus cannot be read: a file, a stream, a column or a byte is wrong."""


class DownloadError(CorpusError):
    """A named corpus cannot be fetched, or what came is not what was published."""


class TokenizerError(InputError):
    """A tokenizer file is broken, or a tokenizer cannot be built from the text."""


class UnknownSymbolError(TokenizerError):
    """A text has a symbol that the model does not know."""


class ArtifactError(InputError):
    """A model folder or a checkpoint is missing something or does not fit together."""


class NetworkError(InputError):
    """The weights of a network lead to logits that are not finite, or soon would not be."""

    def __init__(self) -> None:
        super().__init__(
            "the network's logits",
            expected="finite numbers up to 1e30",
            got="numbers beyond them",
            hint="the weights are damaged or far too large: load another model, or train it anew",
        )


class DivergenceError(UnspoolError):
    """The training loss stopped being finite; the last good state is on disk."""
