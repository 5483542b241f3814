"""The flags that several commands share, in groups.

The names are those of the library's arguments. Tests compare the defaults and the choices in the help with
those of the library.
"""

from operator import not_
from pathlib import Path
from typing import Annotated, get_args

from unspool._cli.flags.flag import Argument, Flag, Group, Option
from unspool._cli.flags.rows import flag_of, flags_of
from unspool._cli.flags.values import attribute
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.options.generation_options import GenerationOptions, N
from unspool._generation.search.search_options import BeamOptions, EnumerationOptions
from unspool._generation.selecting.selection import Selection
from unspool._network.config import NetworkConfig
from unspool._text.reading.read_options import REUSE, ReadOptions
from unspool._text.tokenizers.unknown import Unknown
from unspool._training.config import TrainingConfig

AsJson = Annotated[
    bool, Option(Flag("json", bool, "Print one JSON document; all other output goes to standard error"))
]
Resume = Annotated[bool, Option(Flag("resume", bool, "Continue a stopped run exactly where it stopped"))]
Overwrite = Annotated[bool, Option(Flag("overwrite", bool, "Replace an earlier run in the folder"))]
RunFolderFlag = Annotated[str | None, Option(Flag("out", Path, "Folder of the run", default="runs/CORPUS"))]
InitFrom = Annotated[
    str | None,
    Option(
        Flag("init_from", Path, "Folder of a model to start from; new symbols are added to its vocabulary")
    ),
]
KeepNoveltyIndex = Annotated[
    bool,
    Option(Flag("novelty_index", bool, "Store a hash of each text (8 bytes) for sample --novel")),
]
ValidationCorpus = Annotated[
    str | None,
    Option(Flag("validation", Path, "Corpus to evaluate on, instead of a part of CORPUS")),
]
WithCounts = Annotated[
    bool,
    Option(
        Flag("with_counts", bool, "Take the counts of the training text along, out of which it can be read")
    ),
]
ModelFolder = Annotated[
    str, Argument(metavar="DIR", help="A folder that `unspool train` made, or hf://USER/NAME.")
]


ADAPT = Flag(
    "adapt", bool, "Expect again further on what a text has said before: for long texts", default="off"
)
Adapt = Annotated[bool, Option(ADAPT)]


def _unknown(default: str) -> Option:
    words = "What to do with symbols that the model does not know: {choices}"
    return Option(Flag("unknown", str, words, default=default))


UnknownSymbols = Annotated[Unknown, _unknown("error")]
UnknownInTexts = Annotated[Unknown | None, _unknown("replace if it has <unk>, else error")]

STARTING = Group(
    "starting",
    "Options",
    tuple(get_args(kind)[1].flag for kind in (InitFrom, ValidationCorpus, KeepNoveltyIndex)),
)
ConfigFlag = Annotated[
    str | None,
    Option(Flag("config", Path, "Take flags from this TOML file, or from the config.json of a run")),
]
PrintConfig = Annotated[
    bool, Option(Flag("print_config", bool, "Print the flags as such a file, and train nothing"))
]

READING = Group(
    "reading",
    "Reading the corpus",
    flags_of(ReadOptions, flag_of("reuse", REUSE, bool, True), first=("text", "source")),
)

TOKENIZER = Group(
    "tokens",
    "Tokenizer",
    (
        Flag("tokenizer", str, "Unit of text that is one symbol: {choices}, or regex:EXPRESSION",
             default="char", table="unspool._text.tokenizers.registry:TOKENIZERS"),
        Flag("max_vocab_size", int, "Largest vocabulary; rarer symbols become <unk>", default="no limit"),
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
    "Samples while training",
    (
        Flag("prompt", list[str], "Prompt that it continues after every evaluation", default="nothing"),
        Flag("temperature", list[float], "Temperature of these samples", default="0.3 0.8 1"),
    ),
)

CANARIES = Group(
    "planting",
    "Adding secrets, to test memorization with unspool audit",
    (
        Flag("canaries", int, "Number of made-up secrets to add to the text", default="none"),
        Flag("canary_repeats", int, "How often each secret is added", default="1"),
        Flag("canary_format", str, "Text of a secret, with {digits:N} or {letters:N} for random parts",
             default="my secret number is {digits:6}"),
    ),
)  # fmt: skip

AUDITING = Group(
    "auditing",
    "Auditing",
    (
        Flag("samples", int, "Texts to generate", default="1000"),
        Flag(
            "temperature",
            float,
            "0 takes the most probable symbol, higher values are more random",
            default="1",
        ),
        Flag("max_new_tokens", int, "Longest text, in symbols", default="200"),
        Flag("seed", int, "The same seed gives the same audit", default="0"),
        Flag(
            "secret",
            list[str],
            "Secret to rank; may be repeated",
            default="those added in training",
            option="secrets",
        ),
        Flag("canary_format", str, "Format of the secrets", default="as in training"),
    ),
)

COMPUTING = Group(
    "computing",
    "Computing",
    (
        *(flag for flag in TRAINING.flags if flag.name in ("threads", "engine", "device")),
        Flag(
            "precision",
            str,
            "Number format of the products: {choices}; another than float32 is faster, costs little, and has "
            "other texts for a seed",
            default="float32",
            table="unspool._kernels.precision:INFERENCE",
        ),
        Flag(
            "no_counts",
            bool,
            "Use the network alone, of a model that has counts beside it",
            option="counts",
            collect=not_,
        ),
    ),
)

KNOWN = Group(
    "known",
    "Context of the texts",
    (
        Flag(
             "context",
             list[str], "ATTRIBUTE=VALUE for an attribute that the model was trained with; may be repeated",
             parse=attribute, words="an attribute, = and a value", collect=dict),
    ),
)  # fmt: skip

ROWS = Group(
    "rows",
    "Rows, for a model trained on a table",
    (
        Flag(
             "given",
             list[str], "What is known of a row: COLUMN=VALUE, or COLUMN=LEAST..MOST for numbers and dates",
             several=True, parse=attribute, words="a column, = and a value", collect=dict),
    ),
)  # fmt: skip

TABLE = Group(
    "table",
    "Rows of a table",
    (
        Flag("table", bool, "Learn whole rows, all columns of them, for sample --given and impute"),
        Flag("schema", str, "Schema of the table, a file that `unspool schema` wrote", default="by the rows"),
    ),
)

ASKED = Group(
    "asked",
    "Sources, for a model trained on pairs",
    (
        Flag("source", list[str], "Source to answer; may be repeated"),
        Flag("source_file", Path, "File with one source per line, or - for standard input"),
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
    "Selecting texts",
    flags_of(
        Selection,
        Flag("against", Path, "Skip exact copies of this corpus's texts, instead of the training texts",
             default="none"),
        Flag("against_text", list[str], "Column with the text in the corpus of --against"),
        Flag("out", Path, "Write to this file, {choices}, instead of the screen", default="the screen",
             suffixes="unspool._cli.output.text_files:FILES"),
        Flag("overwrite", bool, "Replace an existing file", default="off"),
        first=("unique", "novel", "against", "against_text"),
    ),
)  # fmt: skip

SEARCH = Group("search", "Searching for the best text, instead of drawing", flags_of(BeamOptions))
ENUMERATION = Group("enumeration", "Which texts", flags_of(EnumerationOptions))
