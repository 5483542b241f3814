"""The useful operations of a network: those that training or writing one character needs."""

from unspool._network.config import NetworkConfig

FORWARD_AND_BACKWARD = 3  # one product forward and two backward: for the input and for the weights


def weights_multiplied(config: NetworkConfig) -> int:
    """Return the number of weights in the matrix products for one character.

    A one-hot input is read from a table and does not count. Biases, gates, the softmax and the optimizer do
    not count either: their cost grows only with H and V.

    Args:
        config: The network; its vocab_size is set.
    """
    H, V, E = config.hidden_size, config.symbols, config.embedding_size or 0
    G = len(config.kind.gates) * H
    inputs = E * G + (config.num_layers - 1) * H * G  # of the first layer and of the layers above
    return inputs + config.num_layers * H * G + H * V


def generation_operations(config: NetworkConfig) -> int:
    """Return the multiplications and additions for one written character: two for each weight."""
    return 2 * weights_multiplied(config)


def training_operations(config: NetworkConfig) -> int:
    """Return the multiplications and additions for one training character, forward and backward."""
    return FORWARD_AND_BACKWARD * generation_operations(config)
