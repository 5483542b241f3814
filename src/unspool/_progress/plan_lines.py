"""The facts about a training in a few lines."""

from unspool._screen.wording import counted, of_interface, one_line
from unspool._training.announcement import Announcement


def plan_lines(plan: Announcement) -> list[str]:
    """Return the facts about a run in a few lines: the text, the network, the folder."""
    network = plan.network
    held_out = f", {plan.held_out_characters:,} held out" if plan.held_out_characters else ", none held out"
    stacked = f"{network.num_layers} × " if network.num_layers > 1 else ""
    lines = [
        f"text     {one_line(plan.description)}",
        f"         {counted(plan.records, 'record')}, {counted(plan.characters, 'character')}{held_out}",
        f"network  {stacked}{network.cell} {network.hidden_size}, {counted(plan.vocab_size, 'symbol')}, "
        f"{counted(plan.num_parameters, 'parameter')}",
    ]
    if network.source_vocab_size is not None:
        symbols = f"{counted(network.source_vocab_size, 'symbol')} in the sources"
        lines.append(f"encoder  {stacked}{network.cell} {network.hidden_size}, {symbols}")
    if plan.unknown:
        lines.insert(2, f"         {plan.unknown:,} rare symbols are read as <unk>")
    for name, words in () if plan.schema is None else plan.schema.described:
        lines.insert(-1, f"context  {one_line(name)}: {one_line(words)}")
    if plan.note:
        lines.insert(2, f"         {of_interface(plan.note)}")
    if plan.precision != "float32":
        lines.append(f"         matrix products in {plan.precision}, everything else in float32")
    if plan.missing:
        lines.append(f"warning  {plan.missing}")
    if plan.out is None:
        return [*lines, "folder   none: the model stays in memory"]
    going_on = f", continuing after step {plan.first_step:,}" if plan.first_step else ""
    return [*lines, f"folder   {one_line(str(plan.out))}{going_on}"]
