// The settings of the page: its fields, and what they say to the engine.

import { byId, make } from "./symbols.js";
import { number, word } from "./words.js";

// The options that are folded away, with their words and the least and the largest number; a step of 1 is for whole ones.
const OPTIONS = {
  topK: { en: "Only the k most probable", zh: "只取最可能的 k 个", min: 1, step: 1 },
  topP: { en: "Only the most probable with this share (top p)", zh: "只取合占此比例的(top p)", min: 0.01, max: 1 },
  minP: { en: "At least this share of the most probable (min p)", zh: "至少为最可能者的此比例(min p)", min: 0, max: 1 },
  typicalP: { en: "Only the typical with this share", zh: "只取典型的、合占此比例的", min: 0.01, max: 1 },
  topNSigma: { en: "Within so many deviations of the best", zh: "距最佳不超过几个标准差", min: 0.1, max: 100 },
  epsilonCutoff: { en: "At least this probability (ε)", zh: "概率至少为(ε)", min: 0, max: 0.99 },
  etaCutoff: { en: "At least this, less if unsure (η)", zh: "概率至少为,拿不准时更低(η)", min: 0, max: 0.99 },
  mirostatTau: { en: "Steer to this surprise, in bits", zh: "引向此意外程度(比特)", min: 0.1, max: 1000 },
  xtcProbability: { en: "Chance to leave out the obvious (XTC)", zh: "略去显而易见者的机会(XTC)", min: 0, max: 1 },
  repetitionPenalty: { en: "Against what was used; 1 is none", zh: "抑制已用过的;1 为不抑制", min: 0.01, max: 100 },
  presencePenalty: { en: "Against what is in the text", zh: "抑制文中已有的" },
  frequencyPenalty: { en: "Against what is often in the text", zh: "抑制文中常见的" },
  noRepeatNgramSize: { en: "Never repeat so many in a row", zh: "不重复这么多个连续符号", min: 1, step: 1 },
  dryMultiplier: { en: "Against repeated sequences (DRY)", zh: "抑制重复的序列(DRY)", min: 0 },
  minTokens: { en: "Shortest, in symbols", zh: "最短(符号数)", min: 0, step: 1 },
  stop: { en: "End at this string", zh: "遇到此串即止", text: true },
  badWords: { en: "Never write this string", zh: "绝不写此串", text: true },
};
const PLAIN = ["count", "maxNewTokens"];
const COUNT = 4;  // texts, unless the user says otherwise

// Makes the fields that depend on the model.
export function build(model) {
  byId("source-field").hidden = !model.takesSource;
  byId("options").replaceChildren(...Object.entries(OPTIONS).map(([name, row]) => {
    const { min = "", max = "", step = "any" } = row;
    const field = row.text ? { type: "text" } : { type: "number", min, max, step, inputMode: "decimal" };
    const label = make("label", { for: `option-${name}` });
    label.dataset.option = name;
    return make("div", { className: "dial" }, label, make("input", { id: `option-${name}`, ...field }));
  }));
  const fields = model.attributes.map((attribute, i) => fieldOf(attribute, `told-${i}`));
  if (model.vectorSize !== null) {
    const label = make("label", { for: "vector", textContent: word("vector") });
    label.dataset.word = "vector";
    fields.push(make("div", { className: "dial wide" }, label, make("input", { id: "vector", type: "text" })));
  }
  byId("told").replaceChildren(...fields);
  byId("told").hidden = fields.length === 0;
}

function numberField(id) {
  const field = make("input", { id, type: "number", step: "any" });
  field.dataset.any = "";
  return field;
}

function fieldOf({ name, kind, values }, id) {
  const label = make("label", { for: id }, make("bdi", { textContent: name }));
  if (kind === "number") return make("div", { className: "dial" }, label, numberField(id));
  const options = values.map((value) => make("option", { value, textContent: value }));
  const any = make("option", { value: "", textContent: word("any") });
  any.dataset.word = "any";
  return make("div", { className: "dial" }, label, make("select", { id }, any, ...options));
}

// Gives the fields the values that the model has of its own.
export function fill(model) {
  const { temperature = 1, maxNewTokens = 200, seed } = model.defaults;
  byId("temperature").value = Array.isArray(temperature) ? temperature[0] : temperature;
  byId("temperature").dataset.touched = "";
  byId("count").value = temperature === 0 ? 1 : COUNT;  // without chance all are alike
  byId("maxNewTokens").value = maxNewTokens ?? 1000000;
  byId("seed").value = seed ?? newSeed();
  for (const name of Object.keys(OPTIONS)) {
    const value = model.defaults[name] ?? "";
    byId(`option-${name}`).value = Array.isArray(value) ? value[0] ?? "" : value;
  }
}

// Puts the words beside the fields that are not simply named.
export function label(model, language) {
  for (const element of document.querySelectorAll("[data-option]"))
    element.textContent = OPTIONS[element.dataset.option][language];
  for (const name of Object.keys(OPTIONS)) byId(`option-${name}`).placeholder = word("off");
  for (const field of document.querySelectorAll("[data-any]")) field.placeholder = word("any");
  if (model.vectorSize !== null) byId("vector").placeholder = word("vectorHint", number(model.vectorSize));
  showTemperature(model);
  showMore();
}

export function showTemperature(model) {
  const field = byId("temperature"), value = Number(field.value), own = model.defaults.temperature;
  const schedule = Array.isArray(own) && !field.dataset.touched;
  byId("temperature-shown").textContent = schedule ? "…" : number(value, { minimumFractionDigits: 2 });
  const note = schedule ? word("temperatures", own.join(", ")) : word("temperatureNote", value);
  byId("temperature-note").textContent = note;
  field.setAttribute("aria-valuetext", `${number(value)}, ${note}`);
}

export function showMore() {
  const used = Object.keys(OPTIONS).filter((name) => byId(`option-${name}`).value !== "").length;
  byId("more-count").textContent = used ? word("changed", number(used)) : "";
}

export function newSeed() {
  return String(Math.floor(Math.random() * 1e6));
}

// Returns what the model is told of a text beside its beginning: {context, source, vector}.
export function whereOf(model) {
  const context = model.attributes.map(({ name }, i) => [name, byId(`told-${i}`).value]);
  const where = { context: Object.fromEntries(context.filter(([, value]) => value !== "")) };
  if (model.takesSource) where.source = byId("source").value;
  const numbers = (byId("vector")?.value ?? "").trim();
  if (numbers) where.vector = numbers.split(/[\s,;]+/).map(Number);
  return where;
}

// Returns the options of generation.
export function optionsOf(model) {
  const options = { ...whereOf(model), seed: byId("seed").value.trim() || "0" };
  const schedule = Array.isArray(model.defaults.temperature) && !byId("temperature").dataset.touched;
  if (!schedule) {
    options.temperature = Number(byId("temperature").value);
    if (Array.isArray(model.defaults.temperature)) options.temperatureSteps = null;
  }
  options.maxNewTokens = Number(byId("maxNewTokens").value) || 200;
  for (const [name, row] of Object.entries(OPTIONS)) {
    const text = byId(`option-${name}`).value;
    if (text !== "") options[name] = row.text ? unchanged(model, name, text) : Number(text);
    else if (model.defaults[name] !== undefined) options[name] = null;
  }
  if (options.minTokens === null) options.minTokens = 0;
  return options;
}

// Returns a string, or the several that the model has of its own and whose first the field shows.
function unchanged(model, name, text) {
  const own = model.defaults[name];
  return Array.isArray(own) && own[0] === text ? own : [text];
}

export function countOf() {
  return Math.min(1000, Math.max(1, Math.floor(Number(byId("count").value)) || 1));
}

// Returns each setting as [name, field], for a link.
export function fieldsOf(model) {
  const plain = ["prompt", "temperature", ...PLAIN].map((name) => [name, byId(name)]);
  const folded = Object.keys(OPTIONS).map((name) => [name, byId(`option-${name}`)]);
  const told = model.attributes.map(({ name }, i) => [`context.${name}`, byId(`told-${i}`)]);
  const rest = [["source", model.takesSource], ["vector", model.vectorSize !== null]];
  return [...plain, ...folded, ...told, ...rest.flatMap(([name, there]) => (there ? [[name, byId(name)]] : []))];
}
