// The page itself: starts the engine, and joins what the user does with what is shown.

import { TOP, showBars } from "./bars.js";
import { engineOfLink, linkOf, takeLink } from "./link.js";
import { LONGEST, showReading } from "./reading.js";
import { Service, latest } from "./service.js";
import { build, countOf, fieldsOf, fill, label, newSeed, optionsOf, showMore, showTemperature, whereOf } from "./settings.js";
import { byId, copied, make } from "./symbols.js";
import { Texts, note } from "./texts.js";
import { LANGUAGES, explained, number, speak, word } from "./words.js";

const PACE = 60;  // symbols of each text a second, at least
const LONGEST_SHOW = 8;  // seconds that a text may take to be shown while it is written
const MEASURED = 2000;  // symbols from which on a speed says something
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// What may be another's in a page around the same desk: `build`, `fields`, `tools`, `question`, `link`, `failed`, `facts`.
export class Page {
  texts = new Texts();
  writing = false;
  closed = new AbortController();

  constructor(spec, service, model) {
    Object.assign(this, { spec, service, model });
    this.build();
    this.usual = new Map(this.fields().map(([name, field]) => [name, field.value]));
    takeLink(this.fields());
    byId("slow").checked = !calm.matches;
    const where = () => whereOf(model);
    this.next = latest(60, () => service.ask("next", { text: byId("prompt").value, where: where(), top: TOP }),
      (answer) => showBars((this.bars = answer), (symbol) => this.append(symbol)));
    this.read = latest(150, () => service.ask("score", { text: this.own, where: where() }),
      (answer) => showReading((this.score = answer), this.own !== byId("own").value));
    this.listen();
    this.speak(this.language());
    this.next();
    byId("main").removeAttribute("aria-busy");
  }

  build() {
    build(this.model);
    fill(this.model);
  }

  fields() {
    return fieldsOf(this.model);
  }

  // Returns the buttons of each text.
  tools() {
    return [
      ["measure", "measureText", ({ text }) => this.measure(text, true)],
      ["copy", "copyText", async ({ text }) => note(await copied(text))],
    ];
  }

  link() {
    return linkOf(this.fields(), this.usual);
  }

  language() {
    const wanted = navigator.languages?.length ? navigator.languages : [navigator.language];
    return wanted.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES) ?? "en";
  }

  listen() {
    byId("desk").addEventListener("submit", (event) => {
      event.preventDefault();
      this.write(byId("fresh").checked);
    });
    byId("again").addEventListener("click", () => this.write(false));
    byId("stop").addEventListener("click", () => this.service.stop());
    byId("copy-all").addEventListener("click", async () => note(await copied(this.texts.all)));
    byId("download").addEventListener("click", () => this.texts.download(this.spec.name));
    byId("copy-link").addEventListener("click", async () => note(await copied(this.link()), word("linkCopied")));
    byId("seed").addEventListener("input", () => { byId("fresh").checked = false; });
    byId("temperature").addEventListener("input", (event) => {
      event.target.dataset.touched = "yes";
      showTemperature(this.model);
    });
    byId("options").addEventListener("input", showMore);
    byId("own").addEventListener("input", () => this.measure());
    for (const id of ["prompt", "source", "told"])
      byId(id).addEventListener("input", () => {
        this.next();
        if (id !== "prompt") this.measure();
      });
    addEventListener("keydown", (event) => this.pressed(event), { signal: this.closed.signal });
  }

  pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      byId("desk").requestSubmit();
    } else if (event.key === "Escape" && this.writing) this.service.stop();
  }

  speak(language) {
    speak(language);
    label(this.model, language);
    this.texts.speak();
    if (!this.texts.texts.length) byId("status").textContent = word("nothing");
    if (this.bars) showBars(this.bars, (symbol) => this.append(symbol));
    if (this.score) showReading(this.score, false);
    byId("foot").replaceChildren(...this.facts().map((fact) => make("span", {}, fact)));
  }

  facts() {
    const { spec, model } = this;
    const sizes = Object.values(spec.tensors).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    return [
      make("bdi", { textContent: spec.name }),
      word("symbols", number(model.symbols.length)),
      word("parameters", number(sizes.reduce((a, b) => a + b, 0))),
      this.weights(),
      word("engine", word(model.engine)),
      word("made", spec.unspool),
    ];
  }

  // Returns what the weights are, and what their rounding costs: here, or before the export.
  weights() {
    const { cost, precision, rounded } = this.spec, digits = { minimumFractionDigits: 4, maximumFractionDigits: 4 };
    const bits = cost === null ? null : number(Math.max(0, cost), digits);
    if (rounded) return word("rounded", rounded, precision, bits);
    return bits === null ? word("exact") : word("costs", precision, bits);
  }

  append(symbol) {
    byId("prompt").value += symbol;
    this.next();
  }

  // Writes texts with the settings of the page.
  async write(fresh) {
    if (this.writing || !byId("desk").reportValidity()) return;
    if (fresh) byId("seed").value = newSeed();
    const question = this.question(), { requests } = question;
    this.busy(true);
    this.texts.begin(requests.length, requests[0].prompt, this.tools());
    if (byId("texts").getBoundingClientRect().top > innerHeight * 0.8) this.show("texts-title", "start");
    let results = null, failure = null;
    try {
      const answer = await this.service.ask("write", question, (pieces) => this.texts.grow(pieces));
      results = answer.results;
      this.report(answer);
    } catch (error) {
      failure = error;
    }
    if (failure) this.texts.begin(0);
    this.texts.finish(results);
    this.busy(false);
    if (failure) this.failed(failure);
    this.link();
  }

  // Returns what to ask the engine for.
  question() {
    const prompt = byId("prompt").value, options = optionsOf(this.model);
    const requests = Array.from({ length: countOf() }, () => ({ prompt }));
    return { requests, options, pace: this.pace(options) };
  }

  pace({ maxNewTokens }) {
    return byId("slow").checked ? Math.max(PACE, maxNewTokens / LONGEST_SHOW) : null;
  }

  failed(error) {
    byId("status").textContent = word("failed", explained(error));
  }

  busy(writing) {
    this.writing = writing;
    for (const id of ["write", "again", "copy-all", "download"]) byId(id).disabled = writing || (id !== "write" && !this.texts.texts.length);
    byId("stop").disabled = !writing;
    byId("status").classList.remove("wrong");
    if (writing) byId("status").textContent = word("writing");
  }

  report({ tokens, seconds, stopped, results }) {
    const speed = tokens < MEASURED ? null : number(Math.round(tokens / Math.max(seconds, 1e-4)));
    const figures = [number(results.length), number(tokens)];
    byId("status").textContent = stopped ? word("stopped", ...figures) : word("written", ...figures, speed);
    Object.assign(byId("status").dataset, { tokens, seconds });
  }

  // Colours the text of the user, or another one that takes its place.
  measure(text = null, show = false) {
    if (text !== null) byId("own").value = text;
    this.own = Array.from(byId("own").value).slice(0, LONGEST).join("");
    if (this.own === "") {
      byId("read").hidden = true;
      this.score = null;
      return;
    }
    this.read();
    if (show) this.show("own", "center");
  }

  show(id, block) {
    byId(id).scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block });
  }
}

// Starts the engine, then the page.
export async function start(spec, source) {
  byId("name").textContent = spec.name;
  speak(navigator.language?.slice(0, 2));
  byId("status").textContent = word("loading");
  const service = await Service.started(source);
  const page = new Page(spec, service, await service.ask("load", { spec, wasm: engineOfLink() !== "javascript" }));
  for (const language of Object.keys(LANGUAGES))
    byId(`lang-${language}`).addEventListener("click", () => page.speak(language));
}
