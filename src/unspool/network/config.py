"""The configuration that fixes a network: everything its parameters' shapes and its mathematics need."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from unspool.configuration import SWITCH, OptionRow, check, check_rows, one_of, real_range, whole_range

if TYPE_CHECKING:
    from unspool.network.cells import Cell

VARIANTS = ("residual", "tied_output")  # what a network may have beside its cell and its sizes
DROPOUTS = ("dropout", "input_dropout", "recurrent_dropout")  # they matter in training alone
COUNT = whole_range(1)
SYMBOLS = whole_range(2)
CHANCE = real_range("a number in [0, 1)", least=0, below=1)


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Describe a stack of recurrent layers between an input table and an output layer.

    Args:
        cell: A name in `CELLS`.
        hidden_size: H, units in each layer, ≥ 1.
        num_layers: L, recurrent layers, ≥ 1.
        embedding_size: E, size of a learned vector for each symbol; None for one-hot input, which is
            a row of the first layer's input kernel.
        residual: Whether each layer but the first hands on its output plus its input, so that every layer
            has a short way to the loss (He et al., "Deep Residual Learning", 2016). Its own dropout is
            drawn before the sum.
        tied_output: Whether the output kernel is the embedding turned round (Press and Wolf, "Using the
            Output Embedding to Improve Language Models", 2017); embedding_size is hidden_size then.
        dropout: Chance that a unit of a layer's output is dropped for a whole training window, in [0, 1).
        input_dropout: Chance that a symbol's row of the input table is dropped for a whole training window,
            in [0, 1).
        recurrent_dropout: Chance that a weight of a recurrent kernel is dropped for a whole training window,
            in [0, 1).
        reset_after: Whether a GRU applies its reset gate after the recurrent product; others ignore it.
        context_size: F, numbers of a context that steers every step of a record; None for none.
        start_size: D, numbers of a vector that a record's first state is worked from; 0 for a first state
            that is learnt and always the same; None for zeros.
        vocab_size: V, symbols with <pad> and <eos>, ≥ 2; None until a tokenizer fixes it.
        source_vocab_size: Symbols of the source texts, of which an encoder of the same shape makes the state
            that a record starts from, ≥ 2; None for no encoder.

    Raises:
        ConfigError: If a value is out of its range.
    """

    # fmt: off
    cell: Annotated[str, OptionRow(one_of("unspool.network.cells:CELLS"), "{choices}")] = "lstm"
    hidden_size: Annotated[int, OptionRow(COUNT, "Units in each layer")] = 128
    num_layers: Annotated[int, OptionRow(COUNT, "Recurrent layers")] = 1
    embedding_size: Annotated[int | None, OptionRow(COUNT, "Size of a learned vector for each symbol")] = None
    residual: Annotated[bool, OptionRow(SWITCH, "Let each layer hand on its input too")] = False
    tied_output: Annotated[bool, OptionRow(
        SWITCH, "Make the output kernel from the embedding, which is as wide as a layer")] = False
    dropout: Annotated[float, OptionRow(CHANCE, "Chance that a unit is dropped while training")] = 0.0
    input_dropout: Annotated[float, OptionRow(
        CHANCE, "The same of a symbol, which is read as nothing then")] = 0.0
    recurrent_dropout: Annotated[float, OptionRow(
        CHANCE, "The same of a weight of the recurrent kernels")] = 0.0
    reset_after: Annotated[bool, OptionRow(
        SWITCH, "Apply a GRU's reset gate after the recurrent product", negative="--no-reset-after")] = True
    context_size: Annotated[int | None, OptionRow(COUNT)] = None
    start_size: Annotated[int | None, OptionRow(whole_range(0))] = None
    vocab_size: Annotated[int | None, OptionRow(SYMBOLS)] = None
    source_vocab_size: Annotated[int | None, OptionRow(SYMBOLS)] = None
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        ok = not self.tied_output or self.embedding_size == self.hidden_size
        expected = f"hidden_size ({self.hidden_size}), as tied_output needs it"
        check("embedding_size", self.embedding_size, expected, ok)
        ok = self.start_size is None or self.source_vocab_size is None
        check("start_size", self.start_size, "none beside source_vocab_size: both say the first state", ok)

    @property
    def kind(self) -> "Cell":
        """Return the cell's row in the table."""
        from unspool.network.cells import CELLS  # noqa: PLC0415 - a help waits for no NumPy

        return CELLS[self.cell]

    @property
    def symbols(self) -> int:
        """Give V, once a tokenizer has fixed it.

        Raises:
            ConfigError: If vocab_size is still None.
        """
        ok = self.vocab_size is not None
        check("vocab_size", self.vocab_size, "a whole number: a tokenizer fixes it", ok)
        return self.vocab_size or 0

    @property
    def encoder(self) -> "NetworkConfig | None":
        """Give the network that reads the sources, or None; its output layer is never asked."""
        if self.source_vocab_size is None:
            return None
        return replace(
            self, vocab_size=self.source_vocab_size, source_vocab_size=None, context_size=None, dropout=0.0
        )

    def without_encoder(self) -> "NetworkConfig":
        """Give the network that writes, without the one that reads the sources."""
        return replace(self, source_vocab_size=None)

    def without_context(self) -> "NetworkConfig":
        """Give the same network with no place for a context."""
        return replace(self, context_size=None)

    def without_start(self) -> "NetworkConfig":
        """Give the same network with a first state that is always the same."""
        return replace(self, start_size=0)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """Give (L, S, H): the shape of the state without its batch axis, which stands before H."""
        return self.num_layers, self.kind.states, self.hidden_size
