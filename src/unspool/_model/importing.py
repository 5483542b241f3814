"""How a model that was made elsewhere becomes a `Generator`."""

import os

from unspool._importing.importers import import_path
from unspool._importing.symbols import Given
from unspool._model.generator import Generator


def import_model(
    path: str | os.PathLike[str],
    *,
    tokenizer: Given | None = None,
    begin: str | None = None,
    end: str | None = None,
    engine: str = "cpu",
    threads: int | None = None,
) -> Generator:
    """Read a model that was made elsewhere, or that left in another form, without executing anything of it.

    Args:
        path: A state dictionary of PyTorch in safetensors, a ``.keras`` file, or what `Generator.export`
            wrote.
        tokenizer: The symbols of its ids, if it does not bring them: a tokenizer; a list of symbols in the
            order of their ids, from 0, None for an id without a text; symbol -> id; or a file with one of
            these.
        begin: The symbol that the network reads before a text, or ``id:N``; None to look for one.
        end: The symbol that it writes after a text, or ``id:N``; "none" for none; None to look for one.
        engine: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.

    Raises:
        ArtifactError: If it is broken, of a form that is not read, or a network that unspool has not.
        TokenizerError: If the symbols do not fit it.
        ConfigError: If there is no such symbol, or a package that is needed is not installed.

    Example:
        >>> import tempfile, numpy, unspool
        >>> from safetensors.numpy import save_file
        >>> shapes = {"rnn.weight_ih_l0": (32, 5), "rnn.weight_hh_l0": (32, 8), "out.weight": (5, 8)}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/model.safetensors"
        ...     save_file({name: numpy.ones(shape, "float32") for name, shape in shapes.items()}, path)
        ...     model = unspool.import_model(path, tokenizer=["a", "b", "c", "d", "<eos>"])
        >>> model.network.cell, model.tokenizer.symbols
        ('lstm', ('a', 'b', 'c', 'd'))
    """
    imported = import_path(path, tokenizer=tokenizer, begin=begin, end=end)
    return Generator(**vars(imported.model), engine=engine, threads=threads)
