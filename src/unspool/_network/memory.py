"""The memory that a training needs at least, compared with that of the machine before anything is made."""

from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._system import memory_size

FLOAT = 4  # bytes
GB = 10**9


def check_memory(network: NetworkConfig, *, arrays: int, symbols: int) -> None:
    """Refuse a training that cannot fit into the memory of the machine.

    Args:
        network: The network; its vocab_size is set.
        arrays: Number of arrays of the size of each parameter: itself, its gradient, slots of the optimizer.
        symbols: Symbols of a step. The gates of every layer are kept of each of them for the gradients.

    Raises:
        ConfigError: If it needs more.
    """
    units = len(network.kind.gates) * network.hidden_size * network.num_layers
    available = memory_size()
    lasting, of_step = FLOAT * arrays * count_parameters(network), FLOAT * symbols * units
    if available is None or lasting + of_step <= available:
        return
    of_network = "choose a smaller hidden_size, num_layers, embedding_size or max_vocab_size"
    of_window = "choose a smaller batch_size or sequence_length"
    raise ConfigError(
        f"a network of hidden_size {network.hidden_size} and num_layers {network.num_layers}",
        expected=f"a training that needs at most {available / GB:,.1f} GB, the memory of this machine",
        got=f"{lasting / GB:,.1f} GB for the parameters and the optimizer, and {of_step / GB:,.1f} GB "
        "for a step",
        hint=of_network if lasting > of_step else of_window,
    )
