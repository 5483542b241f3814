"""``--to js``: a model as one ES module, with its types and an example."""

from unspool._exporting.exporter import ModelToExport
from unspool._exporting.web_model import WEB, engine_source, spec_json, web_spec

TYPES = """
/** The model of this module, as `load` takes it. */
export declare const spec: Spec;

/** It, loaded. */
export declare const model: Model;
"""
EXAMPLE = """\
// node example.mjs "Once " 3        three texts that begin so; the seed is 0
import { model } from "./model.js";

const [prompt = "", count = "5"] = process.argv.slice(2);
const requests = Array.from({ length: Number(count) }, () => ({ prompt }));
for (const { text } of model.writer(requests, { seed: 0 }).run()) console.log(text);

console.error("\\nMay come next:");
for (const { symbol, probability } of model.nextSymbols(prompt, { top: 5 }))
  console.error(`${(100 * probability).toFixed(1).padStart(5)} %  ${JSON.stringify(symbol)}`);
"""


def js_files(exported: ModelToExport) -> dict[str, bytes]:
    """Return the files of a model as an ES module.

    Args:
        exported: The model, its name, its precision and the cost of it.
    """
    spec = spec_json(web_spec(exported))
    module = (
        f"{engine_source()}\n"
        f"// The model; unspool wrote it.\n"
        f"const spec = JSON.parse({_quoted(spec)});\n\n"
        f"export const model = await load(spec);\n"
        f"export {{ spec }};\n"
    )
    types = (WEB / "engine.d.ts").read_text("utf-8")
    types += TYPES
    files = {"model.js": module, "model.d.ts": types, "example.mjs": EXAMPLE}
    return {name: text.encode("utf-8") for name, text in files.items()} | {
        "package.json": b'{ "type": "module", "types": "./model.d.ts", "main": "./model.js" }\n'
    }


def _quoted(text: str) -> str:
    """Return ASCII text as a string of JavaScript."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
