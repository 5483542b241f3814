"""The configuration that fixes a network: everything its parameters' shapes and its mathematics need."""

from dataclasses import dataclass, replace

from unspool.configuration import check, is_real, is_whole
from unspool.network.cells import CELLS, Cell

VARIANTS = ("residual", "tied_output")  # what a network may have beside its cell and its sizes
DROPOUTS = ("dropout", "input_dropout", "recurrent_dropout")  # they matter in training alone


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

    cell: str = "lstm"
    hidden_size: int = 128
    num_layers: int = 1
    embedding_size: int | None = None
    residual: bool = False
    tied_output: bool = False
    dropout: float = 0.0
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    reset_after: bool = True
    context_size: int | None = None
    start_size: int | None = None
    vocab_size: int | None = None
    source_vocab_size: int | None = None

    def __post_init__(self) -> None:
        """Check every value against its range."""
        ok = isinstance(self.cell, str) and self.cell in CELLS
        check("cell", self.cell, f"one of {', '.join(CELLS)}", ok)
        check("hidden_size", self.hidden_size, "a whole number ≥ 1", is_whole(self.hidden_size, least=1))
        check("num_layers", self.num_layers, "a whole number ≥ 1", is_whole(self.num_layers, least=1))
        ok = self.embedding_size is None or is_whole(self.embedding_size, least=1)
        check("embedding_size", self.embedding_size, "a whole number ≥ 1, or none for one-hot input", ok)
        for name in DROPOUTS:
            chance = getattr(self, name)
            check(name, chance, "a number in [0, 1)", is_real(chance) and 0 <= chance < 1)
        for name in (*VARIANTS, "reset_after"):
            check(name, getattr(self, name), "true or false", isinstance(getattr(self, name), bool))
        ok = not self.tied_output or self.embedding_size == self.hidden_size
        expected = f"hidden_size ({self.hidden_size}), as tied_output needs it"
        check("embedding_size", self.embedding_size, expected, ok)
        for name, least in (("context_size", 1), ("start_size", 0)):
            value = getattr(self, name)
            ok = value is None or is_whole(value, least=least)
            check(name, value, f"a whole number ≥ {least}, or none", ok)
        for name in ("vocab_size", "source_vocab_size"):
            value = getattr(self, name)
            check(name, value, "a whole number ≥ 2, or none", value is None or is_whole(value, least=2))
        ok = self.start_size is None or self.source_vocab_size is None
        check("start_size", self.start_size, "none beside source_vocab_size: both say the first state", ok)

    @property
    def kind(self) -> Cell:
        """Look up the cell in the table."""
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
