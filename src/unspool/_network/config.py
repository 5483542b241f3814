"""The configuration of a network: everything that fixes the shapes of its parameters and its computation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from unspool._configuration import (
    SWITCH,
    OptionRow,
    answers_unknown_names,
    check,
    check_rows,
    one_of,
    real_range,
    whole_range,
)
from unspool._views.short_repr import short_repr

if TYPE_CHECKING:
    from unspool._network.cells import Cell

VARIANTS = ("residual", "tied_output")  # optional parts of a network, beside its cell and its sizes
DROPOUTS = ("dropout", "input_dropout", "recurrent_dropout")  # used in training only
COUNT = whole_range(1)
UNITS = whole_range(1, 1 << 16)
LAYERS = whole_range(1, 1 << 10)
SYMBOLS = whole_range(2)
CHANCE = real_range("a number in [0, 1)", least=0, below=1)


@answers_unknown_names
@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A stack of recurrent layers between an input table and an output layer.

    Args:
        cell: A name in `CELLS`.
        hidden_size: H, the number of units in each layer, ≥ 1.
        num_layers: L, the number of recurrent layers, ≥ 1.
        embedding_size: E, the size of a learned vector for each token. None for one-hot input, which is a row
            of the first layer's input kernel.
        residual: Whether each layer but the first adds its input to its output, so that every layer has a
            short way to the loss (He et al., "Deep Residual Learning", 2016). The dropout of its output is
            applied before the sum.
        tied_output: Whether the output kernel is the transposed embedding (Press and Wolf, "Using the Output
            Embedding to Improve Language Models", 2017); embedding_size must then equal hidden_size.
        dropout: Chance that a unit of a layer's output is dropped for a whole training window, in [0, 1).
        input_dropout: Chance that a token's row of the input table is dropped for a whole training window, in
            [0, 1).
        recurrent_dropout: Chance that a weight of a recurrent kernel is dropped for a whole training window,
            in [0, 1).
        reset_after: Whether a GRU applies its reset gate after the recurrent product; other cells ignore it.
        context_size: F, the size of a context that steers every step of a record; None for no context.
        start_size: D, the size of a vector from which a record's first state is computed. 0 for a learned
            first state that is always the same; None for zeros.
        vocab_size: V, the number of token ids with <pad> and <eos>, ≥ 2; None until a tokenizer fixes it.
        source_vocab_size: Number of token ids of the source texts, ≥ 2. An encoder of the same shape reads a
            source and computes the first state of the record. None for no encoder.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import NetworkConfig
        >>> config = NetworkConfig(cell="gru", hidden_size=64, num_layers=2)
        >>> config.state_shape
        (2, 1, 64)
    """

    # fmt: off
    cell: Annotated[str, OptionRow(one_of("unspool._network.cells:CELLS"), "{choices}",
        elsewhere=("rnn_type", "cell_type", "model_type", "layer_type"))] = "lstm"
    hidden_size: Annotated[int, OptionRow(UNITS, "Units in each layer",
        elsewhere=("units", "hidden", "hidden_dim", "hidden_units", "hidden_layer_sizes", "n_hidden",
            "rnn_size", "rnn_units", "d_model", "n_embd"))] = 128
    num_layers: Annotated[int, OptionRow(LAYERS, "Recurrent layers",
        elsewhere=("layers", "n_layers", "n_layer", "num_hidden_layers", "depth"))] = 1
    embedding_size: Annotated[int | None, OptionRow(UNITS,
        "Size of the vector learned for each symbol",
        elsewhere=("embed_size", "emb_dim", "embed_dim", "embedding_dim", "output_dim"))] = None
    residual: Annotated[bool, OptionRow(SWITCH, "Add each layer's input to its output")] = False
    tied_output: Annotated[bool, OptionRow(
        SWITCH, "Share the embedding with the output layer; needs embedding size = hidden size",
        elsewhere=("tie_weights", "tied", "tie_word_embeddings", "tie_embeddings"))] = False
    dropout: Annotated[float, OptionRow(CHANCE,
        "Chance that the output of a unit is dropped while training",
        elsewhere=("dropout_rate", "hidden_dropout_prob"))] = 0.0
    input_dropout: Annotated[float, OptionRow(
        CHANCE, "Chance that an input symbol is blanked while training",
        elsewhere=("embedding_dropout", "embd_pdrop"))] = 0.0
    recurrent_dropout: Annotated[float, OptionRow(
        CHANCE, "Chance that a recurrent weight is dropped while training",
        elsewhere=("weight_dropout", "weight_drop"))] = 0.0
    reset_after: Annotated[bool, OptionRow(
        SWITCH,
        "Apply a GRU's reset gate after the recurrent product, not before",
        negative="--no-reset-after")] = True
    context_size: Annotated[int | None, OptionRow(COUNT)] = None
    start_size: Annotated[int | None, OptionRow(whole_range(0))] = None
    vocab_size: Annotated[int | None, OptionRow(SYMBOLS)] = None
    source_vocab_size: Annotated[int | None, OptionRow(SYMBOLS)] = None
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        ok = not self.tied_output or self.embedding_size == self.hidden_size
        expected = f"hidden_size ({self.hidden_size}) with tied_output"
        check("embedding_size", self.embedding_size, expected, ok)
        ok = self.start_size is None or self.source_vocab_size is None
        check("start_size", self.start_size, "None with source_vocab_size: both set the first state", ok)

    @property
    def kind(self) -> "Cell":
        """Return the cell's row in the table.

        Example:
            >>> unspool.NetworkConfig(cell="gru").kind.gates
            ('z', 'r', 'h')
        """
        from unspool._network.cells import CELLS  # noqa: PLC0415 - a help waits for no NumPy

        return CELLS[self.cell]

    @property
    def symbols(self) -> int:
        """Return V, once a tokenizer has fixed it.

        Raises:
            ConfigError: If vocab_size is still None.

        Example:
            >>> unspool.NetworkConfig(vocab_size=84).symbols
            84
        """
        ok = self.vocab_size is not None
        check("vocab_size", self.vocab_size, "a whole number: a tokenizer fixes it", ok)
        return self.vocab_size or 0

    @property
    def encoder(self) -> "NetworkConfig | None":
        """Return the network that reads the sources, or None; its output layer is never used.

        Example:
            >>> unspool.NetworkConfig(vocab_size=84, source_vocab_size=30).encoder.symbols
            30
        """
        if self.source_vocab_size is None:
            return None
        return replace(
            self, vocab_size=self.source_vocab_size, source_vocab_size=None, context_size=None, dropout=0.0
        )

    def without_encoder(self) -> "NetworkConfig":
        """Return the network that writes, without the one that reads the sources.

        Example:
            >>> unspool.NetworkConfig(source_vocab_size=30).without_encoder() == unspool.NetworkConfig()
            True
        """
        return replace(self, source_vocab_size=None)

    def without_context(self) -> "NetworkConfig":
        """Return the same network without room for a context.

        Example:
            >>> unspool.NetworkConfig(context_size=3).without_context() == unspool.NetworkConfig()
            True
        """
        return replace(self, context_size=None)

    def without_start(self) -> "NetworkConfig":
        """Return the same network with a first state that is always the same.

        Example:
            >>> unspool.NetworkConfig(start_size=3).without_start().start_size
            0
        """
        return replace(self, start_size=0)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """Return (L, S, H), the shape of the state without its batch axis, which stands before H.

        Example:
            >>> unspool.NetworkConfig(cell="lstm", num_layers=2, hidden_size=128).state_shape
            (2, 2, 128)
        """
        return self.num_layers, self.kind.states, self.hidden_size
