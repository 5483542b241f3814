// What the texts must be: the fields of constraints, and what they say to the server.

import { byId, make } from "./symbols.js";
import { number, word } from "./words.js";

// `several` is for strings, one on a line; a step of 1 is for whole numbers; a tick says yes.
const LONGEST = 100000;
const ROWS = {
  contains: { several: true },
  excludes: { several: true },
  endsWith: {},
  regex: { code: true },
  minLength: { min: 0, max: LONGEST, step: 1 },
  maxLength: { min: 0, max: LONGEST, step: 1 },
};
const TICKS = ["unique", "novel", "finished"];
const wordOf = (name) => `must${name[0].toUpperCase()}${name.slice(1)}`;

// Puts the fields after an element; a model without an index of its training text cannot tell what is novel.
export function buildDemands(model, after) {
  const fields = Object.entries(ROWS).map(([name, row]) => make("div", { className: "dial" }, labelled(name), fieldOf(name, row)));
  const ticks = TICKS.map((name) => tickOf(name, name === "novel" && !model.noveltyIndex));
  const count = make("span", { className: "count", id: "musts-count" });
  const summary = make("summary", {}, wordSpan("musts"), " ", count);
  const details = make("details", { id: "musts" }, summary, make("div", { className: "options" }, ...fields, scopeOf()), make("div", { className: "ticks" }, ...ticks));
  details.addEventListener("input", showCount);
  after.after(details);
}

function wordSpan(name) {
  const span = make("span");
  span.dataset.word = name;
  return span;
}

function labelled(name) {
  const label = make("label", { for: `must-${name}` });
  label.dataset.word = wordOf(name);
  return label;
}

function fieldOf(name, { several, code, min, max, step }) {
  const id = `must-${name}`, plain = { id, spellcheck: false, autocapitalize: "off", dir: "auto" };
  if (several) return make("textarea", { ...plain, rows: 1, className: "small" });
  if (step) return make("input", { id, type: "number", min, max, step, inputMode: "numeric" });
  return make("input", { ...plain, type: "text", className: code ? "code" : "" });
}

function scopeOf() {
  const options = ["text", "continuation"].map((value) => {
    const option = make("option", { value });
    option.dataset.word = wordOf(value);
    return option;
  });
  return make("div", { className: "dial" }, labelled("scope"), make("select", { id: "must-scope" }, ...options));
}

function tickOf(name, missing) {
  const label = make("label", { className: "tick" }, make("input", { type: "checkbox", id: `must-${name}`, disabled: missing }), " ", wordSpan(wordOf(name)));
  if (missing) label.dataset.hint = "mustNovelMissing";
  return label;
}

// Puts what changes with the language.
export function labelDemands() {
  for (const name of Object.keys(ROWS)) byId(`must-${name}`).placeholder = word("off");
  showCount();
}

function showCount() {
  const fields = Object.keys(ROWS).filter((name) => byId(`must-${name}`).value !== "");
  const used = fields.length + TICKS.filter((name) => byId(`must-${name}`).checked).length;
  byId("musts-count").textContent = used ? word("changed", number(used)) : "";
}

// Returns what is demanded, by the names of the server in camel case.
export function demandsOf() {
  const demands = {};
  for (const [name, { several, step }] of Object.entries(ROWS)) {
    const { value } = byId(`must-${name}`);
    if (value === "") continue;
    demands[name] = several ? value.split("\n").filter((line) => line !== "") : step ? Number(value) : value;
  }
  if (Object.keys(demands).length && byId("must-scope").value !== "text") demands.scope = byId("must-scope").value;
  for (const name of TICKS) if (byId(`must-${name}`).checked) demands[name] = true;
  return demands;
}

// Returns each field as [name, field], for a link.
export function demandFields() {
  const fields = [...Object.keys(ROWS), "scope"].map((name) => [name, byId(`must-${name}`)]);
  const ticks = TICKS.map((name) => [name, ticked(byId(`must-${name}`))]);
  return [...fields, ...ticks];
}

// A checkbox with a value like that of the other fields.
function ticked(box) {
  return {
    dataset: box.dataset,
    get value() {
      return box.checked ? "yes" : "";
    },
    set value(value) {
      box.checked = value === "yes" && !box.disabled;
    },
  };
}
