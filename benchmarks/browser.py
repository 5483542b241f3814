"""Characters a second of an exported model in headless Chromium and in node, with WebAssembly and without it.

And how many of 1,000 texts of a seed are those of `model.generate`. The processor's time of node is stated
beside the time by the clock: on a busy machine it says more.
"""

import argparse
import functools
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import unspool

SEED, TEXTS, LONGEST = 7, 1000, 200
MEASURE = """
import { load, spec } from "./model.js";

// Returns the characters a second of so many texts side by side.
async function measure(wasm, count, seconds) {
  const model = await load(spec, { wasm }), used = globalThis.process?.cpuUsage;
  const write = (seed) => model.writer(count, { seed, temperature: 1, maxNewTokens: LONGEST }).run();
  const characters = (texts) => texts.reduce((sum, { ids }) => sum + ids.length, 0);
  for (const start = performance.now(); performance.now() - start < 500; ) write(0);
  let total = 0, seed = 0;
  const start = performance.now(), before = used?.();
  do total += characters(write(++seed)); while (performance.now() - start < 1000 * seconds);
  const took = (performance.now() - start) / 1000, spent = used?.(before);
  return {
    engine: model.engine,
    texts: count,
    perSecond: Math.round(total / took),
    perProcessorSecond: spent ? Math.round((total / (spent.user + spent.system)) * 1e6) : null,
  };
}

export async function run(seconds) {
  const rows = [];
  for (const wasm of [true, false])
    for (const count of [1, 16]) rows.push(await measure(wasm, count, seconds));
  const texts = {};
  for (const wasm of [true, false]) {
    const model = await load(spec, { wasm });
    const written = model.writer(TEXTS, { seed: SEED, temperature: 1, maxNewTokens: LONGEST }).run();
    texts[model.engine] = written.map(({ text }) => text);
  }
  return { rows, texts };
}
"""
PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
import { run } from "./measure.js";
const result = await run(SECONDS);
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
</script>"""
NODE = """import { run } from "./measure.js";
console.log(JSON.stringify(await run(SECONDS)));
"""


def in_node(folder: Path) -> dict[str, Any]:
    """Measure in node."""
    done = subprocess.run(["node", "measure.mjs"], cwd=folder, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def in_browser(folder: Path, browser: str, seconds: float) -> dict[str, Any]:
    """Measure in a browser without a window, which takes a page and sends back what it found."""
    found: list[dict[str, Any]] = []
    came = threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *_: Any) -> None:
            pass

    handler: Callable[..., Handler] = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/page.html"
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            address,
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            came.wait(60 + 20 * seconds)
            process.terminate()
    server.shutdown()
    if not found:
        raise SystemExit(f"{browser} sent no result")
    return found[0]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--browser", default="chromium", help="program to run")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    model = unspool.load(arguments.model)
    wanted = [
        text.text for text in model.generate(n=TEXTS, seed=SEED, temperature=1.0, max_new_tokens=LONGEST)
    ]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "module")
        command = ["unspool", "export", str(arguments.model), "--to", "js", "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        values = {"LONGEST": LONGEST, "TEXTS": TEXTS, "SEED": SEED, "SECONDS": arguments.seconds}
        for file, text in {"measure.js": MEASURE, "page.html": PAGE, "measure.mjs": NODE}.items():
            filled = functools.reduce(lambda all_, key: all_.replace(key, str(values[key])), values, text)
            (folder / file).write_text(filled, "utf-8")
        if shutil.which("node"):
            results["node"] = in_node(folder)
        if shutil.which(arguments.browser):
            results[arguments.browser] = in_browser(folder, arguments.browser, arguments.seconds)
    for result in results.values():
        texts = result.pop("texts")
        result["same"] = {
            engine: sum(a == b for a, b in zip(several, wanted, strict=True))
            for engine, several in texts.items()
        }
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    for place, result in results.items():
        for row in result["rows"]:
            spent = row["perProcessorSecond"]
            beside = "" if spent is None else f", {spent:,} a second of the processor"
            harness.say(
                f"{place}, {row['engine']}, texts {row['texts']}: {row['perSecond']:,} a second{beside}"
            )
        for engine, same in result["same"].items():
            harness.say(f"{place}, {engine}: {same} of {TEXTS} texts are those of Python")


if __name__ == "__main__":
    main()
