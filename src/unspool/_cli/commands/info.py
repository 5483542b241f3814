"""``unspool info``: the facts about a model or a corpus."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, FlagValues, takes
from unspool._cli.flags.shared import READING, AsJson
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.left_out import LEFT_OUT
from unspool._cli.output.printing import print_json
from unspool._cli.output.tables import print_facts
from unspool._screen.wording import counted, one_line, size
from unspool._text.reading.read_options import STANDARD_INPUT

if TYPE_CHECKING:
    from unspool._artifacts import SavedModel
    from unspool._model import Generator

MOST_FREQUENT = 20
SHOWN_SYMBOLS = 12


@takes(READING)
def info(
    *,
    what: Annotated[list[str], Argument(metavar="DIR|CORPUS…", help="The folder of a model, or a corpus.")],
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Show the facts about a model or a corpus."""
    if len(what) == 1 and is_run(what[0]):
        from unspool._artifacts import load_model
        from unspool._hub.fetching import model_folder
        from unspool._hub.places import is_hub_place

        folder = model_folder(what[0])
        facts = model_facts(load_model(folder), folder)
        if is_hub_place(what[0]):
            facts["folder"] = what[0]
        print_json(facts) if as_json else print_facts(model_rows(facts))
        return
    from unspool._cli.steps.census import take_census

    census = take_census(open_corpus(what, flags.reading), most=MOST_FREQUENT)
    print_json(census) if as_json else print_facts(corpus_rows(census))


def is_run(what: str) -> bool:
    """Return whether this is the folder of a model or of a run."""
    from unspool._artifacts.model_folder import CONFIG, MODEL, has_file
    from unspool._hub.places import is_hub_place

    if is_hub_place(what):
        return True
    return what != STANDARD_INPUT and any(has_file(Path(what), name) for name in (CONFIG, MODEL))


def model_facts(model: "SavedModel | Generator", folder: Path) -> dict[str, Any]:
    """Return the facts about a model, in plain JSON types."""
    from unspool._configuration import to_dict
    from unspool._evaluation.audit.fit import judge_fit
    from unspool._network.parameters import count_parameters
    from unspool._training.folder.counts_words import counts_facts
    from unspool._training.folder.metrics import METRICS, read_metrics

    lines = read_metrics(folder / METRICS)
    evaluations = [line for line in lines if line.get("kind") == "evaluation"]
    held_out = ((model.data.get("sizes") or {}).get("validation") or {}).get("characters", 0)
    best = [line for line in evaluations if line.get("best")]
    counts = counts_facts(model.counts, lines)
    return {
        "folder": str(folder),
        "network": to_dict(model.network),
        "num_parameters": count_parameters(model.network),
        "bytes": (folder / "model.safetensors").stat().st_size,
        "tokenizer": {"kind": model.tokenizer.kind, "normalization": model.tokenizer.normalization,
                      "vocab_size": model.tokenizer.vocab_size,
                      "symbols": list(model.tokenizer.symbols[:MOST_FREQUENT]),
                      **({} if model.tokenizer.spells_unk is None
                         else {"spells_unk": model.tokenizer.spells_unk})},
        "training": model.training,
        "data": model.data,
        **({} if model.quantization is None else {"quantization": to_dict(model.quantization)}),
        **({} if counts is None else {"counts": {**to_dict(counts), "revealed": counts.revealed}}),
        "evaluation": best[-1] if best else None,
        "fit": to_dict(judge_fit(lines, held_out_characters=held_out)),
    }  # fmt: skip


def model_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names and values of a model for people."""
    from unspool._artifacts.kept_precision import Quantization
    from unspool._network.conditions import schema_of
    from unspool._network.config import VARIANTS
    from unspool._training.folder.model_card import precision_row

    network, training, tokens, data = (facts[key] for key in ("network", "training", "tokenizer", "data"))
    size_words = f"{network['num_layers']} × {network['cell']} of {counted(network['hidden_size'], 'unit')}"
    named = [name.replace("_", " ") for name in VARIANTS if network[name]]
    symbols = " ".join(visible(symbol) for symbol in tokens["symbols"][:SHOWN_SYMBOLS])
    rows = [
        ("model", facts["folder"]),
        ("network", ", ".join([size_words, *named])),
        ("parameters", f"{facts['num_parameters']:,} ({size(facts['bytes'])})"),
        ("symbols", f"{tokens['vocab_size']:,} ({tokens['kind']}): {symbols} …"),
    ]
    if network.get("source_vocab_size") is not None:
        symbols = f"{counted(network['source_vocab_size'], 'symbol')} of the sources"
        rows.append(("encoder", f"the same again, for {symbols}"))
    if data.get("description"):
        rows.append(("trained on", str(data["description"])))
    schema = schema_of(data)
    rows += [] if schema is None else [("context", f"{name}: {text}") for name, text in schema.described]
    for part, sizes in (data.get("sizes") or {}).items():
        words = [counted(sizes[f"{noun}s"], noun) for noun in ("record", "character")]
        rows.append((f"  {part}", ", ".join(words)))
    if data.get("split"):
        rows.append(("  split", str(data["split"]["sentence"])))
    if training:
        keys = ("epochs", "batch_size", "sequence_length", "optimizer", "learning_rate", "schedule", "seed")
        rows.append(("trained with", ", ".join(f"{key} {training.get(key)}" for key in keys)))
    rows += list(precision_row(data).items())
    rows += evaluation_rows(facts["evaluation"])
    if "quantization" in facts:
        rows.append(("rounded to", Quantization(**facts["quantization"]).sentence))
    rows += counts_rows(facts.get("counts"))
    if tokens.get("spells_unk") is False:
        rows.append(("left out", f"bits per character are {LEFT_OUT}"))
    return [*rows, ("fit", facts["fit"]["sentence"])] if facts["evaluation"] else rows


def evaluation_rows(best: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return the names and values of the evaluation of the saved parameters."""
    if best is None:
        return []
    rows = [("step", f"{best['step']:,} (epoch {best['epoch']})")]
    rows.append(("in training", f"{best['training_bits_per_character']:.4f} bits per character"))
    if best["bits_per_character"] is not None:
        measured = best.get("measured_characters")
        on = "" if measured is None else f", on {counted(measured, 'character')}"
        rows.append(("held out", f"{best['bits_per_character']:.4f} bits per character{on}"))
    if best.get("exact") is not None:
        rows.append(("exact", f"{best['exact']:.1%} of the held-out sources answered"))
    return rows


def counts_rows(counts: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return the names and values of the counts beside the network."""
    from unspool._training.folder.counts_words import CountsFacts

    if counts is None:
        return []
    facts = CountsFacts(**{name: value for name, value in counts.items() if name != "revealed"})
    worth = [] if facts.worth is None else [("  with them", facts.worth)]
    return [("counts", facts.size), *worth, ("  they tell", facts.revealed)]


def corpus_rows(census: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names and values of a corpus for people."""
    frequent = ", ".join(f"{visible(s)} {share:.1%}" for s, share in census["most_frequent"][:SHOWN_SYMBOLS])
    return [
        ("corpus", census["description"]),
        (census["split"] or "records", f"{census['records']:,}{' (one document)' * census['document']}"),
        ("characters", f"{census['characters']:,}"),
        ("alphabet", f"{census['alphabet']:,} different characters"),
        ("frequent", frequent),
        ("scripts", ", ".join(f"{name} {share:.1%}" for name, share in census["scripts"])),
        ("lengths", length_row(census["lengths"])),
    ]


def length_row(lengths: dict[str, int]) -> str:
    """Return the lengths of the texts in words."""
    return (
        f"median {counted(lengths['median'], 'character')}, half of them {lengths['quarter']:,} to "
        f"{lengths['three_quarters']:,}, all {lengths['shortest']:,} to {lengths['longest']:,}"
    )


def visible(symbol: str) -> str:
    """Return a visible form of a symbol, such as a space or a line end."""
    return "␣" if symbol == " " else one_line(symbol)
