"""From a network with ids of its own to a model: what begins and ends a text there, and the ids here.

Here id 0 is ``<pad>``, which is never read or written, and the last id is ``<eos>``: a network reads it
before the first symbol of a text and writes it after the last. Elsewhere these may be two symbols, or one, or
none. So the row of ``<eos>`` is that of the symbol that begins a text, its column that of the symbol that
ends one.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ConfigError, TokenizerError
from unspool._importing.stack import Floats, Stack
from unspool._importing.symbols import FORMS, Given, Spellings, symbols_of
from unspool._network.parameters import Parameters
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer, WordTokenizer

ENDS = ("<eos>", "</s>", "<end>", "<|endoftext|>", "[eos]")
BEGINS = ("<bos>", "<s>", "<sos>", "<start>", "<go>", "[bos]")
PADS = ("<pad>", "[pad]")
UNKNOWN = ("<unk>", "[unk]", "<oov>")
NEVER = -1e4  # the bias of a symbol that is never written
NOTHING = -1  # in place of an id there


@dataclass(frozen=True, eq=False)
class Renumbering:
    """The ids here of the symbols there.

    Args:
        tokenizer: The tokenizer of the model.
        read: The id there whose row is read for each id here; `NOTHING` for none.  # (V,)
        written: The id there whose column is written for each id here; `NOTHING` for none.  # (V,)
        begins: The symbol there that begins a text, in words.
        ends: The symbol there that ends a text, in words.
    """

    tokenizer: Tokenizer
    read: NDArray[np.int64]
    written: NDArray[np.int64]
    begins: str
    ends: str


def fitted(
    stack: Stack, given: Given | None, *, begin: str | None = None, end: str | None = None
) -> tuple[SavedModel, Renumbering]:
    """Return a stack as a model, with the symbols that were given.

    Args:
        stack: The network.
        given: Its symbols, as `symbols_of` takes them.
        begin: The symbol that begins a text, or ``id:N``; None to look for one.
        end: The symbol that ends a text, or ``id:N``; "none" for none; None to look for one.

    Raises:
        TokenizerError: If the symbols do not fit the network.
        ConfigError: If nothing says which symbol begins a text, or there is no such symbol.
    """
    if given is None:
        what = f"--tokenizer says which symbols the {stack.vocab_size:,} ids of the network are"
        raise TokenizerError(what, expected=FORMS, got="none")
    symbols = symbols_of(given, stack.vocab_size)
    numbering = (
        same_ids(symbols, begin, end) if isinstance(symbols, Tokenizer) else numbered(symbols, begin, end)
    )
    if stack.skips_padding and 0 in numbering.read[1:]:
        hint = "its layers pass over id 0: name another symbol that begins a text, --begin"
        raise ConfigError("begin", expected="a symbol that the network reads", got="id:0", hint=hint)
    tied = stack.tied and bool((numbering.read[1:] == numbering.written[1:]).all())
    parameters = renumbered(stack, numbering, tied=tied)
    network = stack.network(len(numbering.read), tied=tied)
    return SavedModel(network, numbering.tokenizer, parameters), numbering


def same_ids(tokenizer: Tokenizer, begin: str | None, end: str | None) -> Renumbering:
    """Return the numbering of a network whose ids are those of a tokenizer of unspool."""
    if begin is not None or end is not None:
        hint = "leave --begin and --end out"
        raise ConfigError("a tokenizer of unspool has its <eos>, which begins and ends a text", hint=hint)
    ids = np.arange(tokenizer.vocab_size)
    return Renumbering(tokenizer, ids, ids, "<eos>", "<eos>")


def numbered(spellings: Spellings, begin: str | None, end: str | None) -> Renumbering:
    """Return the numbering of symbols that were given by id.

    Raises:
        TokenizerError: If they are no symbols of a tokenizer here.
        ConfigError: If nothing says which symbol begins a text, or there is no such symbol.
    """
    last = None if end == "none" else _named(spellings, "end", end) if end else _first_of(spellings, ENDS)
    first = _named(spellings, "begin", begin) if begin else _beginning(spellings, last)
    unknown = _first_of(spellings, UNKNOWN)
    special = {last, unknown, *(_first_of(spellings, names) for names in (ENDS, BEGINS, PADS))}
    plain = [i for i, spelling in enumerate(spellings) if spelling is not None and i not in special]
    tokenizer = _tokenizer([spellings[i] or "" for i in plain], unk=unknown is not None)
    middle = [*plain, *([unknown] if unknown is not None else [])]
    read = np.array([NOTHING, *middle, first])
    written = np.array([NOTHING, *middle, NOTHING if last is None else last])
    return Renumbering(tokenizer, read, written, *(_words(spellings, number) for number in (first, last)))


def _first_of(spellings: Spellings, names: tuple[str, ...]) -> int | None:
    """Return the id of the first symbol that is spelled as one of the names."""
    found = (i for i, spelling in enumerate(spellings) if spelling and spelling.lower() in names)
    return next(found, None)


def _beginning(spellings: Spellings, last: int | None) -> int:
    """Find the symbol that begins a text: one that says so, the one that ends it, padding, or a line end."""
    begins, pad = _first_of(spellings, BEGINS), _first_of(spellings, PADS)
    line_end = spellings.index("\n") if "\n" in spellings else None
    padding = 0 if spellings[0] is None else pad  # in front of a text, as Keras pads
    for found in (begins, padding if pad is None else None, last, pad, line_end):
        if found is not None:
            return found
    hint = "name the symbol that the network reads first: --begin ' ', or --begin id:0"
    raise ConfigError("no symbol says that it begins a text", hint=hint)


def _named(spellings: Spellings, option: str, name: str) -> int:
    """Return the id of a symbol, or the one that ``id:N`` says."""
    if name in spellings:
        return spellings.index(name)
    match = re.fullmatch(r"id:(\d{1,9})", name)
    if match and int(match[1]) < len(spellings):
        return int(match[1])
    expected = f"a symbol of the network, or id:0 to id:{len(spellings) - 1}"
    raise ConfigError(option, expected=expected, got=repr(name))


def _words(spellings: Spellings, number: int | None) -> str:
    if number is None:
        return "nothing: a text goes on to its longest length"
    spelling = spellings[number]
    return f"id {number}" if spelling is None else f"{spelling!r}"


def _tokenizer(symbols: list[str], *, unk: bool) -> Tokenizer:
    """Return a tokenizer of characters, or of words if the symbols are such words as are split here."""
    if all(len(symbol) == 1 for symbol in symbols):
        return CharTokenizer(symbols, unk=unk, normalization=None)
    for symbol in symbols:
        if WordTokenizer.split(symbol) != [symbol] or " " not in symbols:
            what = f"symbol {symbol!r} is more than a character"
            expected = "characters, or words with the white space between them as symbols of their own"
            raise TokenizerError(what, expected=expected, hint="train a network here: unspool train")
    return WordTokenizer(symbols, unk=unk, normalization=None)


def renumbered(stack: Stack, numbering: Renumbering, *, tied: bool) -> Parameters:
    """Return the parameters of a stack under their names here, with the ids of a numbering.

    Args:
        stack: The network.
        numbering: The ids.
        tied: Whether the output layer stays tied to the embedding.
    """
    parameters: Parameters = {}
    if stack.embedding is not None:
        parameters["embedding"] = _rows(stack.embedding, numbering.read)
    for number, layer in enumerate(stack.layers):
        one_hot = number == 0 and stack.embedding is None
        kernel = _rows(layer.input_kernel, numbering.read) if one_hot else layer.input_kernel
        arrays = {
            "input_kernel": kernel,
            "recurrent_kernel": layer.recurrent_kernel,
            "bias": layer.bias,
            "recurrent_bias": layer.recurrent_bias,
        }
        parameters |= {f"layers.{number}.{name}": a for name, a in arrays.items() if a is not None}
    if not tied:
        parameters["output.kernel"] = _rows(stack.output_kernel.T, numbering.written).T
    bias = _rows(stack.output_bias, numbering.written)
    if numbering.written[-1] == NOTHING:
        bias[-1] = NEVER
    parameters["output.bias"] = bias
    return {name: np.array(array, np.float32, order="C") for name, array in parameters.items()}


def _rows(array: Floats, ids: NDArray[np.int64]) -> Floats:
    """Return rows in another order, zeros for `NOTHING`."""
    rows = array[ids]
    rows[ids == NOTHING] = 0
    return rows
