"""The useful operations of a network: what a character cannot be trained or written without."""

from unspool.network.config import NetworkConfig

FORWARD_AND_BACKWARD = 3  # each product once forward, and twice backward: for its input and for its weights


def weights_multiplied(config: NetworkConfig) -> int:
    """Count the weights that one character is multiplied with, each once: those of matrix products.

    A one-hot input is gathered from a table and counts nothing; so do biases, gates, the softmax and the
    optimizer, which grow with H and V alone.

    Args:
        config: The network, its vocab_size set.
    """
    H, V, E = config.hidden_size, config.symbols, config.embedding_size or 0
    G = len(config.kind.gates) * H
    inputs = E * G + (config.num_layers - 1) * H * G  # the first layer's, and those of the layers above
    return inputs + config.num_layers * H * G + H * V


def generation_operations(config: NetworkConfig) -> int:
    """Count multiplications and additions for one character that is written: two for each weight."""
    return 2 * weights_multiplied(config)


def training_operations(config: NetworkConfig) -> int:
    """Count multiplications and additions for one character that is trained on, forward and backward."""
    return FORWARD_AND_BACKWARD * generation_operations(config)
