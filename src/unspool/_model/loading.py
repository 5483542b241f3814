"""Load a model by a function, as users do."""

from pathlib import Path

from unspool._model.generator import Generator


def load(
    folder: str | Path,
    *,
    engine: str = "cpu",
    threads: int | None = None,
    precision: str = "float32",
    device: str = "auto",
    counts: bool = True,
) -> Generator:
    """Read a model folder, or a model of the Hugging Face Hub, as `Generator.load` does.

    Args:
        folder: A folder that `save` or a training made; or ``hf://user/name``, also with ``@revision``.
        engine: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.
        precision: Number format of the products when it writes and scores: "float32", "bf16", "int8" or
            "auto"; see `Generator.load`.
        device: Where the engine computes: "auto", "cpu", "cuda" or "mps"; see `Generator.load`.
        counts: Whether the counts beside the network are used, if it has some.

    Raises:
        ArtifactError: If the folder is not a whole model, or cannot be fetched from the Hub.
        ConfigError: If the engine cannot be made, or the package huggingface_hub is not there.

    Example:
        >>> import tempfile, unspool
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     training = unspool.TrainingConfig(epochs=1)
        ...     _ = unspool.train(["anna", "anne", "hanna"] * 9, out=folder, training=training)
        ...     model = unspool.load(folder)
        >>> len(model.generate(n=3))
        3
    """
    return Generator.load(
        folder, engine=engine, threads=threads, precision=precision, device=device, counts=counts
    )
