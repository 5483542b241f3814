// Parts that the views of the page Watch share.

import { copied, make } from "./symbols.js";
import { AXES, clock } from "./watch_chart.js";
import { currentLanguage, number, word } from "./words.js";

// Makes the heading of a view, which gets the focus when the view is opened.
export const heading = (words) => make("h1", { className: "watch-title", tabIndex: -1 }, words);

// Makes a mark of a state: a sign and the word.
export function stateMark(state) {
  return make("span", { className: `state ${state}` }, make("span", { className: "sign", "aria-hidden": "true" }), word(`watchState_${state}`));
}

// Returns how far a run is, in words.
export function progressWords(row) {
  const words = [word("watchEpoch", number(row.epoch), row.epochs && number(row.epochs)), word("watchStep", number(row.step))];
  if (row.state === "training" && row.progress !== null) words.unshift(word("watchDone", number(row.progress, { style: "percent" })));
  if (row.seconds_left !== null) words.push(word("watchLeft", clock(row.seconds_left)));
  return words.join(" · ");
}

export function networkWords(row) {
  const text = row.text?.split("/").at(-1) ?? "";
  if (!row.network) return text;
  return word("watchWhat", word("watchNetwork", row.network, number(row.network.num_layers), number(row.network.hidden_size)), text);
}

// Returns a time in words, from now.
export function ago(time) {
  const seconds = time - Date.now() / 1000, units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(currentLanguage() === "zh" ? "zh-CN" : "en", { numeric: "auto" });
  return words.format(Math.round(seconds / size), unit);
}

export const dateWords = (time) => new Date(time * 1000).toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });

// Makes a command with a button that copies it.
export function commandBox(command) {
  const button = make("button", { type: "button", className: "quiet", onclick: copy }, word("watchCopy"));
  async function copy() {
    if (!(await copied(command))) return;
    button.textContent = word("watchCopied");
    setTimeout(() => { button.textContent = word("watchCopy"); }, 1500);
  }
  return make("div", { className: "command" }, make("code", {}, command), button);
}

// Makes the choices of what a curve is drawn over, and which part of it.
export function axisChoices(changed) {
  const over = make("select", { onchange: changed }), part = make("select", { onchange: changed });
  const labels = [make("span", {}), make("span", {})];
  const root = make("div", { className: "tools choices" }, make("label", {}, labels[0], over), make("label", {}, labels[1], part));
  function speak() {
    labels[0].textContent = word("watchOver");
    labels[1].textContent = word("watchPart");
    fill(over, Object.entries(AXES).map(([key, axis]) => [key, word(axis.word)]));
    fill(part, [["all", word("watchWhole")], ["late", word("watchLate")]]);
  }
  return { root, speak, axis: () => over.value, late: () => part.value === "late" };
}

function fill(select, choices) {
  const value = select.value || choices[0][0];
  select.replaceChildren(...choices.map(([key, words]) => make("option", { value: key }, words)));
  select.value = value;
}
