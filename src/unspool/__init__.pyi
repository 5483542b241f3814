"""The public names, each from its home: what type checkers see, and what `__init__.py` imports from."""

from unspool.errors import ArtifactError as ArtifactError
from unspool.errors import ConfigError as ConfigError
from unspool.errors import CorpusError as CorpusError
from unspool.errors import DivergenceError as DivergenceError
from unspool.errors import DownloadError as DownloadError
from unspool.errors import InputError as InputError
from unspool.errors import NetworkError as NetworkError
from unspool.errors import TokenizerError as TokenizerError
from unspool.errors import UnknownSymbolError as UnknownSymbolError
from unspool.errors import UnspoolError as UnspoolError
from unspool.evaluation.audit.run import Audit as Audit
from unspool.evaluation.classifying import Classification as Classification
from unspool.evaluation.likelihood_ratio import LikelihoodRatio as LikelihoodRatio
from unspool.evaluation.ranking import RankedText as RankedText
from unspool.evaluation.scorer import TextScore as TextScore
from unspool.evaluation.streams import Evaluation as Evaluation
from unspool.evaluation.surprisal import Surprisal as Surprisal
from unspool.generation.constraints.constraint import Constraint as Constraint
from unspool.generation.options.generation_options import GenerationOptions as GenerationOptions
from unspool.generation.results import Generation as Generation
from unspool.generation.results import Generations as Generations
from unspool.generation.search.texts import Enumeration as Enumeration
from unspool.generation.search.texts import FoundText as FoundText
from unspool.generation.selecting.collection import Collection as Collection
from unspool.generation.selecting.selection import Selection as Selection
from unspool.generation.states import State as State
from unspool.model import Generator as Generator
from unspool.model import load as load
from unspool.network.config import NetworkConfig as NetworkConfig
from unspool.pipeline import train as train
from unspool.planning.choosing import TrainingPlan as TrainingPlan
from unspool.planning.choosing import plan_training as plan_training
from unspool.sweeping.results import Sweep as Sweep
from unspool.sweeping.sweep import sweep as sweep
from unspool.sweeping.sweep_config import SweepConfig as SweepConfig
from unspool.text.canaries import Canaries as Canaries
from unspool.text.novelty import NoveltyIndex as NoveltyIndex
from unspool.text.reading.sources import read_records as read_records
from unspool.text.records import Record as Record
from unspool.text.records import Records as Records
from unspool.text.tokenizers.bytes import ByteTokenizer as ByteTokenizer
from unspool.text.tokenizers.chars import CharTokenizer as CharTokenizer
from unspool.text.tokenizers.words import WordTokenizer as WordTokenizer
from unspool.training.config import TrainingConfig as TrainingConfig

__version__: str
