"""Train a small recurrent text generator on your own text, and write with it.

::

    import unspool

    model = unspool.train(unspool.read_records("headlines.csv", text="title"), out="runs/headlines")
    for generation in unspool.load("runs/headlines").generate("Today ", n=5, temperature=0.8):
        print(generation.text)

Nothing is loaded before it is used: each name is imported from its home when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unspool.errors import (
        ArtifactError,
        ConfigError,
        CorpusError,
        DivergenceError,
        DownloadError,
        InputError,
        NetworkError,
        TokenizerError,
        UnknownSymbolError,
        UnspoolError,
    )
    from unspool.evaluation.audit.run import Audit
    from unspool.evaluation.guess_numbers import GuessNumber
    from unspool.evaluation.likelihood_ratio import LikelihoodRatio
    from unspool.evaluation.ranking import RankedText
    from unspool.evaluation.scorer import TextScore
    from unspool.evaluation.streams import Evaluation
    from unspool.evaluation.surprisal import Surprisal
    from unspool.generation.constraints.constraint import Constraint
    from unspool.generation.results import Generation, Generations
    from unspool.generation.search.texts import Enumeration, FoundText
    from unspool.generation.selecting.collection import Collection
    from unspool.generation.selecting.report import CollectionReport
    from unspool.generation.selecting.selection import Selection
    from unspool.generation.states import State, interpolate
    from unspool.model import Generator, load
    from unspool.network.config import NetworkConfig
    from unspool.pipeline import train
    from unspool.planning.choosing import TrainingPlan, plan_training
    from unspool.sweeping.results import Sweep
    from unspool.sweeping.space import Range
    from unspool.sweeping.sweep import sweep
    from unspool.sweeping.sweep_config import SweepConfig
    from unspool.text.canaries import Canaries
    from unspool.text.novelty import NoveltyIndex
    from unspool.text.reading.sources import read_records
    from unspool.text.records import Record, Records
    from unspool.training.config import TrainingConfig

    __version__: str

__all__ = [
    "ArtifactError",
    "Audit",
    "Canaries",
    "Collection",
    "CollectionReport",
    "ConfigError",
    "Constraint",
    "CorpusError",
    "DivergenceError",
    "DownloadError",
    "Enumeration",
    "Evaluation",
    "FoundText",
    "Generation",
    "Generations",
    "Generator",
    "GuessNumber",
    "InputError",
    "LikelihoodRatio",
    "NetworkConfig",
    "NetworkError",
    "NoveltyIndex",
    "Range",
    "RankedText",
    "Record",
    "Records",
    "Selection",
    "State",
    "Surprisal",
    "Sweep",
    "SweepConfig",
    "TextScore",
    "TokenizerError",
    "TrainingConfig",
    "TrainingPlan",
    "UnknownSymbolError",
    "UnspoolError",
    "__version__",
    "interpolate",
    "load",
    "plan_training",
    "read_records",
    "sweep",
    "train",
]

_HOMES = {
    "Audit": "evaluation.audit.run",
    "Canaries": "text.canaries",
    "Collection": "generation.selecting.collection",
    "CollectionReport": "generation.selecting.report",
    "Constraint": "generation.constraints.constraint",
    "Enumeration": "generation.search.texts",
    "Evaluation": "evaluation.streams",
    "FoundText": "generation.search.texts",
    "Generation": "generation.results",
    "Generations": "generation.results",
    "Generator": "model",
    "GuessNumber": "evaluation.guess_numbers",
    "LikelihoodRatio": "evaluation.likelihood_ratio",
    "NetworkConfig": "network.config",
    "NoveltyIndex": "text.novelty",
    "Range": "sweeping.space",
    "RankedText": "evaluation.ranking",
    "Record": "text.records",
    "Records": "text.records",
    "Selection": "generation.selecting.selection",
    "State": "generation.states",
    "Surprisal": "evaluation.surprisal",
    "Sweep": "sweeping.results",
    "SweepConfig": "sweeping.sweep_config",
    "TextScore": "evaluation.scorer",
    "TrainingConfig": "training.config",
    "TrainingPlan": "planning.choosing",
    "interpolate": "generation.states",
    "load": "model",
    "plan_training": "planning.choosing",
    "read_records": "text.reading.sources",
    "sweep": "sweeping.sweep",
    "train": "pipeline",
    **{name: "errors" for name in __all__ if name.endswith("Error")},
}


def __getattr__(name: str) -> object:
    """Import a public name from its home, once."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading the metadata takes its time

        value: object = version("unspool")
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"unspool.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'unspool' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not yet imported as well."""
    return sorted({*globals(), *__all__})
