// The second half of the page Train: how long, what a training would do, its name, few choices, and the button.

import { field, minutesInWords, offer, say, worded } from "./train_parts.js";
import { make } from "./symbols.js";
import { number, word } from "./words.js";

const PRESETS = [1, 3, 10, 30, 120], USUAL = 3, MOST = 1440;
const PAUSE = 350;  // milliseconds after a change before a plan is asked for
const SYMBOLS = ["char", "word", "bytes"];

// The choice of a training for a corpus; it tells by `begun` the state of one that was begun.
export class Plan extends EventTarget {
  plan = null;  // what the server would do

  constructor(api, corpus) {
    super();
    this.api = api;
    this.corpus = corpus;
    this.section = this.drawn();
    corpus.addEventListener("changed", () => this.take());
  }

  drawn() {
    const title = worded("h2", "trainTime", { id: "train-time-title" });
    this.time = make("div", { className: "chips", role: "radiogroup", "aria-labelledby": "train-time-title" });
    this.radios = [...PRESETS, null].map((minutes) => this.chip(minutes));
    this.other = make("input", { type: "number", min: "0.1", max: String(MOST), step: "any", value: "5", inputMode: "decimal", required: true });
    this.otherField = field("train-minutes", "trainMinutesField", this.other, { className: "dial other" });
    this.other.addEventListener("input", () => this.changed());
    this.words = make("p", { role: "status", className: "plan", id: "train-plan" });
    this.reasons = make("ul", { className: "note remarks", lang: "en" });
    this.why = make("details", { hidden: true }, worded("summary", "trainWhy"), this.reasons);
    this.wrong = make("p", { className: "wrong", role: "alert", hidden: true, id: "train-refused" });
    this.button = make("button", { type: "submit", className: "main", id: "train-start" });
    const form = make("form", { noValidate: true }, title, this.time, this.otherField, this.words, this.why,
      this.nameField(), this.choices(), this.wrong, make("p", { className: "actions" }, this.button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.begin();
    });
    this.speak();
    return make("section", { hidden: true, id: "train-time", "aria-labelledby": "train-time-title" }, form);
  }

  chip(minutes) {
    const id = `train-time-${minutes ?? "other"}`;
    const radio = make("input", { type: "radio", name: "train-time", id, checked: minutes === USUAL, value: String(minutes ?? "") });
    const label = make("label");
    label.htmlFor = id;
    this.time.append(make("span", { className: "chip" }, radio, label));
    radio.addEventListener("change", () => {
      this.changed();
      if (minutes === null) this.other.focus();
    });
    return { minutes, radio, label };
  }

  nameField() {
    this.name = make("input", { type: "text", maxLength: 64, autocomplete: "off", spellcheck: false, dir: "auto" });
    return field("train-name", "trainName", this.name, { note: worded("p", "trainNameHint", { className: "note" }), className: "dial name" });
  }

  choices() {
    this.symbol = make("select");
    this.label = make("select");
    this.novelty = make("input", { type: "checkbox", checked: true, id: "train-novelty" });
    this.labelField = field("train-label", "trainLabel", this.label);
    for (const control of [this.symbol, this.label]) control.addEventListener("change", () => this.changed());
    return make("details", {}, worded("summary", "trainMore"), make("div", { className: "options" },
      field("train-symbol", "trainSymbol", this.symbol), this.labelField,
      make("label", { className: "tick" }, this.novelty, worded("span", "trainNovelty"))));
  }

  // Takes a text that was read, or read in another way.
  take() {
    const { read } = this.corpus;
    this.section.hidden = read === null || read.problem !== undefined;
    this.speak();
    if (!this.section.hidden) this.changed();
  }

  // Puts the words of the language where no data-word does.
  speak() {
    for (const { minutes, label } of this.radios) label.textContent = minutes === null ? word("trainOtherTime") : minutesInWords(minutes);
    offer(this.symbol, SYMBOLS.map((name) => [name, word(`trainSymbol_${name}`)]), this.symbol.value || "char");
    const { columns = [], column } = this.corpus.read ?? {}, others = columns.filter((name) => name !== column);
    const chosen = others.includes(this.label.value) ? this.label.value : "";
    offer(this.label, [["", word("trainNoLabel")], ...others.map((name) => [name, this.corpus.nameOf(name)])], chosen);
    this.labelField.hidden = others.length === 0;
    this.draw();
  }

  // Returns the minutes that are chosen, or null if they are no number.
  get minutes() {
    const { minutes } = this.radios.find(({ radio }) => radio.checked);
    if (minutes !== null) return minutes;
    const typed = this.other.valueAsNumber;
    return typed > 0 && typed <= MOST ? typed : null;
  }

  // Asks for a plan once nothing has changed for a moment.
  changed() {
    this.asking?.abort();
    this.plan = null;
    this.draw();
    clearTimeout(this.timer);
    if (this.minutes !== null) this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const mine = this.asking = new AbortController();
    const query = new URLSearchParams(Object.entries(this.wishes()).filter(([, value]) => value !== null));
    try {
      const plan = await this.api.get(`/api/corpora/${this.corpus.read.id}/plan?${query}`, { signal: mine.signal });
      if (this.asking === mine) this.plan = plan;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.plan = { problem: error.message };
    }
    this.draw();
  }

  // Returns how the text is to be read and learnt, as the page shows it.
  wishes() {
    const { read, wishes } = this.corpus;
    return {
      minutes: this.minutes,
      column: read.column,
      document: read.document,
      header: read.header,
      encoding: wishes.encoding ?? null,
      label: this.label.value || null,
      tokenizer: this.symbol.value,
    };
  }

  draw() {
    const { plan, minutes } = this;
    this.otherField.hidden = this.radios.at(-1).radio.checked === false;
    this.other.setAttribute("aria-invalid", String(minutes === null));
    this.button.textContent = minutes === null ? word("tabTrain") : word("trainStart", minutesInWords(minutes));
    this.words.classList.toggle("wrong", minutes === null || plan?.problem !== undefined);
    this.words.textContent = minutes === null ? word("trainMinutesWrong") : plan === null ? word("trainPlanning") : plan.problem ?? this.planInWords();
    this.why.hidden = plan?.reasons === undefined;
    this.reasons.replaceChildren(...(plan?.reasons ?? []).map((textContent) => make("li", { textContent })));
  }

  planInWords() {
    const { minutes, cell, num_layers: layers, hidden_size: units, parameters, passes } = this.plan;
    const named = layers > 1 ? word("trainLayers", number(layers), cell.toUpperCase()) : cell.toUpperCase();
    const times = number(passes, { maximumSignificantDigits: 2 });
    return word("trainPlan", minutesInWords(minutes), named, number(units), number(parameters), times);
  }

  async begin() {
    const name = this.name.value.trim(), { minutes } = this;
    say(this.wrong, "");
    this.name.setAttribute("aria-invalid", "false");
    if (minutes === null) {
      this.other.focus();
      return;
    }
    const asked = { corpus: this.corpus.read.id, ...this.wishes(), novelty_index: this.novelty.checked, ...(name === "" ? {} : { name }) };
    const body = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null));
    this.button.disabled = true;
    this.button.textContent = word("trainStarting");
    try {
      const state = await this.api.post("/api/trainings", body);
      this.name.value = "";
      this.dispatchEvent(new CustomEvent("begun", { detail: state }));
    } catch (error) {
      say(this.wrong, error.param === "name" && error.code === null ? word("trainNameWrong") : error.message);
      if (error.param === "name") {
        this.name.setAttribute("aria-invalid", "true");
        this.name.focus();
      }
    } finally {
      this.button.disabled = false;
      this.draw();
    }
  }
}
