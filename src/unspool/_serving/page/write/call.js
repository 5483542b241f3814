// The call that made the texts: for a shell, for OpenAI's client, and for Python without a server.

import { BASE, jsonOf } from "./api.js";
import { byId, copied, make } from "./symbols.js";
import { word } from "./words.js";

const LANGUAGES = { curl: "curl", openai: "Python, openai", unspool: "Python, unspool" };
// What OpenAI's client has an argument for; all else goes beside.
const THEIRS = new Set("model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop temperature top_p".split(" "));
const CONSTRAINTS = ["regex", "contains", "excludes", "ends_with", "min_length", "max_length", "scope"];

let shown = "curl";

// Puts the part of the page after an element.
export function buildCall(after, note) {
  const buttons = Object.entries(LANGUAGES).map(([name, title]) => {
    const button = make("button", { type: "button", className: "quiet", textContent: title, id: `call-${name}` });
    button.addEventListener("click", () => choose(name));
    return button;
  });
  const copy = make("button", { type: "button", className: "quiet", id: "call-copy" });
  copy.dataset.word = "copy";
  copy.addEventListener("click", async () => note(await copied(byId("call-code").textContent)));
  const summary = make("summary");
  summary.dataset.word = "call";
  const code = make("pre", { tabIndex: 0, role: "group", dir: "ltr" }, make("code", { id: "call-code" }));
  code.dataset.label = "call";
  const choice = make("span", { role: "group" }, ...buttons);
  choice.dataset.label = "callLanguage";
  after.after(make("details", { id: "call", hidden: true }, summary, make("p", { className: "tools" }, choice, copy), code));
}

let body = null;

// Shows the call for a body.
export function showCall(latest) {
  body = latest;
  byId("call").hidden = false;
  choose(shown);
}

function choose(name) {
  shown = name;
  for (const each of Object.keys(LANGUAGES)) byId(`call-${each}`).setAttribute("aria-pressed", String(each === name));
  byId("call-code").textContent = callOf(name, body, { base: BASE.href, keyed: byId("call").dataset.keyed === "yes" });
}

// Returns a program that asks for a body.
export function callOf(name, asked, { base, keyed }) {
  return { curl, openai, unspool }[name](asked, base, keyed);
}

function curl(asked, base, keyed) {
  const key = keyed ? '  -H "Authorization: Bearer $UNSPOOL_API_KEY" \\\n' : "";
  const json = escaped(jsonOf(asked, true), (unit) => `\\u${hex(unit, 4)}`, true).replaceAll("'", "'\\''");
  return `curl ${base}v1/completions \\\n  -H "Content-Type: application/json" \\\n${key}  -d '${json}'`;
}

function openai(asked, base, keyed) {
  const theirs = Object.entries(asked).filter(([name]) => THEIRS.has(name));
  const ours = Object.fromEntries(Object.entries(asked).filter(([name]) => !THEIRS.has(name)));
  const rest = Object.keys(ours).length ? [["extra_body", ours]] : [];
  const key = keyed ? 'os.environ["UNSPOOL_API_KEY"]' : '"none"';
  return [
    ...(keyed ? ["import os", ""] : []),
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${pythonOf(`${base}v1`)}, api_key=${key})`,
    `answer = client.completions.create(${argumentsOf([...theirs, ...rest])})`,
    "for choice in answer.choices:",
    "    print(choice.text)",
  ].join("\n");
}

function unspool(asked) {
  const { model, prompt, max_tokens: longest, ...others } = asked;
  const demands = CONSTRAINTS.filter((name) => name in others).map((name) => [name, others[name]]);
  const given = Object.entries(others).filter(([name]) => !CONSTRAINTS.includes(name));
  if (longest !== undefined) given.push(["max_new_tokens", longest]);
  const rest = demands.map(([name, value]) => `${name}=${pythonOf(value)}`);
  const constraint = demands.length ? `    constraint=unspool.Constraint(${rest.join(", ")}),\n` : "";
  return [
    "import unspool",
    "",
    `model = unspool.load(${pythonOf(model)})  # ${word("callFolder")}`,
    `texts = model.generate(\n    ${pythonOf(prompt)},${argumentsOf(given)}${constraint})`,
    "for text in texts:",
    "    print(text)",
  ].join("\n");
}

function argumentsOf(pairs) {
  return `\n${pairs.map(([name, value]) => `    ${name}=${pythonOf(value)},\n`).join("")}`;
}

// Returns a value of JSON as Python writes it.
export function pythonOf(value) {
  if (value === null || value === undefined) return "None";
  if (value === true || value === false) return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonOf).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, one]) => `${pythonOf(name)}: ${pythonOf(one)}`).join(", ")}}`;
  if (typeof value !== "string") return String(value);
  return escaped(JSON.stringify(value), (one) => (one > 0xffff ? `\\U${hex(one, 8)}` : `\\u${hex(one, 4)}`));
}

// Writes out what has no shape, as marks that turn the direction of what follows.
function escaped(text, spell, units = false) {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => {
    if (one === "\n") return one;
    const codes = units ? one.split("").map((unit) => unit.charCodeAt(0)) : [one.codePointAt(0)];
    return codes.map(spell).join("");
  });
}

const hex = (code, digits) => code.toString(16).padStart(digits, "0");
