"""The public names, each from its home: what type checkers see, and what `__init__.py` imports from."""

from unspool._errors import ArtifactError as ArtifactError
from unspool._errors import ConfigError as ConfigError
from unspool._errors import CorpusError as CorpusError
from unspool._errors import DivergenceError as DivergenceError
from unspool._errors import DownloadError as DownloadError
from unspool._errors import InputError as InputError
from unspool._errors import NetworkError as NetworkError
from unspool._errors import TokenizerError as TokenizerError
from unspool._errors import UnknownSymbolError as UnknownSymbolError
from unspool._errors import UnspoolError as UnspoolError
from unspool._evaluation.audit.run import Audit as Audit
from unspool._evaluation.classifying import Classification as Classification
from unspool._evaluation.likelihood_ratio import LikelihoodRatio as LikelihoodRatio
from unspool._evaluation.ranking import RankedText as RankedText
from unspool._evaluation.scorer import TextScore as TextScore
from unspool._evaluation.streams import Evaluation as Evaluation
from unspool._evaluation.surprisal import Surprisal as Surprisal
from unspool._generation.constraints.constraint import Constraint as Constraint
from unspool._generation.options.generation_options import GenerationOptions as GenerationOptions
from unspool._generation.results import Generation as Generation
from unspool._generation.results import Generations as Generations
from unspool._generation.search.texts import Enumeration as Enumeration
from unspool._generation.search.texts import FoundText as FoundText
from unspool._generation.selecting.collection import Collection as Collection
from unspool._generation.selecting.selection import Selection as Selection
from unspool._generation.states import State as State
from unspool._model import Generator as Generator
from unspool._model import load as load
from unspool._network.config import NetworkConfig as NetworkConfig
from unspool._pipeline import train as train
from unspool._planning.choosing import TrainingPlan as TrainingPlan
from unspool._planning.choosing import plan_training as plan_training
from unspool._sweeping.results import Sweep as Sweep
from unspool._sweeping.sweep import sweep as sweep
from unspool._sweeping.sweep_config import SweepConfig as SweepConfig
from unspool._text.canaries import Canaries as Canaries
from unspool._text.novelty import NoveltyIndex as NoveltyIndex
from unspool._text.reading.sources import read_records as read_records
from unspool._text.records import Record as Record
from unspool._text.records import Records as Records
from unspool._text.tokenizers.bytes import ByteTokenizer as ByteTokenizer
from unspool._text.tokenizers.chars import CharTokenizer as CharTokenizer
from unspool._text.tokenizers.words import WordTokenizer as WordTokenizer
from unspool._training.config import TrainingConfig as TrainingConfig

__version__: str
