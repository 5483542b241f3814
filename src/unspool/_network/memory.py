"""The memory that a training needs at least, compared with that of the machine before anything is made."""

from unspool._errors import ConfigError
from unspool._network.config import DROPOUTS, NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._system import memory_size

FLOAT = 4  # bytes
GB = 10**9
MUCH, MUCH_OF_ALL = GB, 0.25  # bytes of a step that are worth a word, and their share of the memory


def step_memory(network: NetworkConfig, symbols: int) -> int:
    """Return how many bytes a training step takes, about: what its gradients need of each symbol.

    Args:
        network: The network.
        symbols: Symbols of a step.
    """
    kind = network.kind
    handed_on = network.residual or any(getattr(network, name) for name in DROPOUTS)
    of_layer = len(kind.gates) + kind.reset_gate + 2 * kind.states + handed_on
    of_symbol = network.hidden_size * (network.num_layers * of_layer + 1) + 2 * (network.embedding_size or 0)
    return FLOAT * symbols * of_symbol


def words_of_memory(network: NetworkConfig, symbols: int) -> str | None:
    """Return a remark on the memory of a training step, if it takes much; else None.

    Args:
        network: The network.
        symbols: Symbols of a step.
    """
    taken, available = step_memory(network, symbols), memory_size()
    if taken < MUCH and (available is None or taken < MUCH_OF_ALL * available):
        return None
    of_all = "" if available is None else f" of {available / GB:,.1f}"
    return (
        f"a step of {symbols:,} symbols takes about {taken / GB:,.1f}{of_all} GB of memory: "
        "a smaller sequence_length or batch_size takes less"
    )


def check_memory(
    network: NetworkConfig, *, arrays: int, symbols: int, of_device: tuple[int, str] | None = None
) -> None:
    """Refuse a training that cannot fit into the memory of the machine, or of its device.

    Args:
        network: The network; its vocab_size is set.
        arrays: Number of arrays of the size of each parameter: itself, its gradient, slots of the optimizer.
        symbols: Symbols of a step.
        of_device: The free bytes of the device that computes, and its name; None for the machine itself.

    Raises:
        ConfigError: If it needs more.
    """
    available, place = of_device or (memory_size(), "this machine")
    lasting, of_step = FLOAT * arrays * count_parameters(network), step_memory(network, symbols)
    if available is None or lasting + of_step <= available:
        return
    of_network = "choose a smaller hidden_size, num_layers, embedding_size or max_vocab_size"
    fitting = (available - lasting) * symbols // max(1, of_step)
    of_window = f"choose a smaller batch_size or sequence_length: about {fitting:,} symbols a step would fit"
    raise ConfigError(
        f"a network of hidden_size {network.hidden_size} and num_layers {network.num_layers}",
        expected=f"a training that needs at most {available / GB:,.1f} GB, the memory of {place}",
        got=f"{lasting / GB:,.1f} GB for the parameters and the optimizer, and {of_step / GB:,.1f} GB "
        "for a step",
        hint=of_network if lasting > of_step or fitting < 1 else of_window,
    )
