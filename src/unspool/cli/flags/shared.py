"""The flags that several commands share, in groups.

The names are those of the library's arguments. Tests compare the defaults and the choices in the help with
those of the library.
"""

from typing import Annotated

from unspool.cli.flags.flag import Argument, Flag, Group, Option
from unspool.cli.flags.rows import flag_of, flags_of
from unspool.cli.flags.values import attribute
from unspool.generation.constraints.constraint import Constraint
from unspool.generation.options.generation_options import GenerationOptions, N
from unspool.generation.search.search_options import BeamOptions, EnumerationOptions
from unspool.generation.selecting.selection import Selection
from unspool.network.config import NetworkConfig
from unspool.text.reading.read_options import REUSE, ReadOptions
from unspool.text.tokenizers.unknown import Unknown
from unspool.training.config import TrainingConfig

AsJson = Annotated[bool, Option(Flag("json", bool, "Print one JSON document, all else on standard error"))]
Resume = Annotated[bool, Option(Flag("resume", bool, "Go on with a run that was stopped, bit for bit"))]
Overwrite = Annotated[bool, Option(Flag("overwrite", bool, "Remove an earlier run in the folder"))]
RunFolderFlag = Annotated[str | None, Option(Flag("out", str, "Folder of the run", default="runs/CORPUS"))]
InitFrom = Annotated[
    str | None,
    Option(Flag("init_from", str, "Folder of a model to go on from: its network, its symbols and new ones")),
]
KeepNoveltyIndex = Annotated[
    bool,
    Option(Flag("novelty_index", bool, "Keep hashes of the texts, 8 bytes each, for sample --novel")),
]
ValidationCorpus = Annotated[
    str | None,
    Option(Flag("validation", str, "Corpus to measure with, in place of a part of CORPUS")),
]
ModelFolder = Annotated[str, Argument(metavar="DIR", help="A folder that `unspool train` made.")]


def _unknown(default: str) -> Option:
    words = "What becomes of symbols that the model does not know: {choices}"
    return Option(Flag("unknown", str, words, default=default))


UnknownSymbols = Annotated[Unknown, _unknown("error")]
UnknownInTexts = Annotated[Unknown | None, _unknown("replace if it has <unk>, else error")]

READING = Group(
    "reading",
    "Reading the corpus",
    flags_of(ReadOptions, flag_of("reuse", REUSE, bool, True), first=("text", "source")),
)

TOKENIZER = Group(
    "tokens",
    "Tokenizer",
    (
        Flag("tokenizer", str, "What a symbol is: {choices}", default="char",
             table="unspool.text.tokenizers.registry:TOKENIZERS"),
        Flag("max_vocab_size", int, "Most symbols; rarer ones become <unk>", default="no limit"),
    ),
)  # fmt: skip

NETWORK = Group(
    "network",
    "Network",
    flags_of(NetworkConfig, first=("cell", "hidden_size", "num_layers", "embedding_size", "residual",
                                   "tied_output", "reset_after")),
)  # fmt: skip

TRAINING = Group(
    "training",
    "Training",
    flags_of(TrainingConfig),
)

SHOWING = Group(
    "showing",
    "Showing what it learns",
    (
        Flag("prompt", list[str], "What it goes on from after every evaluation", default="nothing"),
        Flag("temperature", list[float], "Temperature of these samples", default="0.3 0.8 1"),
    ),
)

CANARIES = Group(
    "planting",
    "Planting secrets, for an audit to look for",
    (
        Flag("canaries", int, "Different secrets to plant in the text", default="none"),
        Flag("canary_repeats", int, "How often each is planted", default="1"),
        Flag("canary_format", str, "Their text, with slots {digits:N} or {letters:N}",
             default="my secret number is {digits:6}"),
    ),
)  # fmt: skip

AUDITING = Group(
    "auditing",
    "Auditing",
    (
        Flag("samples", int, "Texts to generate", default="1000"),
        Flag("temperature", float, "0 takes the likeliest symbol, higher is wilder", default="1"),
        Flag("max_new_tokens", int, "Longest text, in symbols", default="200"),
        Flag("seed", int, "The same seed gives the same audit", default="0"),
        Flag("secret", list[str], "Secret to rank", default="those that were planted", option="secrets"),
        Flag("canary_format", str, "What secrets look like", default="as they were planted"),
    ),
)

COMPUTING = Group(
    "computing",
    "Computing",
    tuple(flag for flag in TRAINING.flags if flag.name in ("threads", "engine")),
)

KNOWN = Group(
    "known",
    "What is known of the texts",
    (
        Flag("context", list[str], "ATTRIBUTE=VALUE, of what the model was trained with; may be repeated",
             parse=attribute, words="an attribute, = and a value", collect=dict),
    ),
)  # fmt: skip

ASKED = Group(
    "asked",
    "What a model of pairs is to answer",
    (
        Flag("source", list[str], "A source; may be repeated"),
        Flag("source_file", str, "A file with a source a line, or - for standard input"),
    ),
)

CONSTRAINTS = Group("constraints", "Constraints that every text meets", flags_of(Constraint))

SAMPLING = Group(
    "sampling",
    "Sampling",
    flags_of(
        GenerationOptions,
        flag_of("n", N, int, 1),
        first=("temperature", "temperature_steps", "n", "best_of", "seed", "max_new_tokens", "min_tokens",
               "stop", "include_stop", "bad_words"),
    ),
)  # fmt: skip

COLLECTING = Group(
    "collecting",
    "Collecting good ones",
    flags_of(
        Selection,
        Flag("against", str, "Corpus whose texts count as known, in place of the training texts",
             default="none"),
        Flag("against_text", list[str], "Column of that corpus, as --text is of train"),
        Flag("out", str, "File to write, {choices}; whole or not there", default="the screen",
             suffixes="unspool.cli.output.text_files:FILES"),
        Flag("overwrite", bool, "Replace that file", default="off"),
        first=("unique", "novel", "against", "against_text"),
    ),
)  # fmt: skip

SEARCH = Group("search", "Searching for the best text, instead of drawing", flags_of(BeamOptions))
ENUMERATION = Group("enumeration", "Which texts", flags_of(EnumerationOptions))
