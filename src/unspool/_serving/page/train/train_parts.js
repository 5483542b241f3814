// Small pieces of the page Train: words that follow the language, fields, times.

import { make } from "./symbols.js";
import { number, word } from "./words.js";

// Makes an element whose words follow the language by themselves.
export function worded(tag, name, properties = {}) {
  const element = make(tag, { ...properties, textContent: word(name) });
  element.dataset.word = name;
  return element;
}

// Makes a field: a control with its label above it, and a note below it that the control is described by.
export function field(id, name, control, { note = null, className = "dial" } = {}) {
  Object.assign(control, { id });
  const label = worded("label", name);
  label.htmlFor = id;
  if (note === null) return make("div", { className }, label, control);
  note.id = `${id}-note`;
  control.setAttribute("aria-describedby", note.id);
  return make("div", { className }, label, control, note);
}

// Fills a list of choices, [value, words], and chooses one.
export function offer(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, textContent]) => make("option", { value, textContent })));
  select.value = chosen;
}

// Returns minutes in words: "3 minutes", "2 hours".
export function minutesInWords(minutes) {
  if (minutes >= 60 && minutes % 30 === 0) return word("trainHours", number(minutes / 60));
  return word("trainMinutes", number(minutes));
}

// Returns seconds in words, roughly.
export function secondsInWords(seconds) {
  if (seconds < 50) return word("trainSeconds", number(Math.max(1, Math.round(seconds))));
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 90) return word("trainMinutes", number(minutes));
  return word("trainHours", number(Math.round(minutes / 60)));
}

// Returns what a text is called.
export const textName = (name) => (name === "pasted text" ? word("trainPastedName") : name);

// Returns a number of bytes in words.
export function bytesInWords(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : bytes < 1e9 ? [bytes / 1e6, "megabyte"] : [bytes / 1e9, "gigabyte"];
  return number(value, { style: "unit", unit, maximumFractionDigits: 1 });
}

// Sets the text of an element, if it is another one, so that a screen reader hears it once.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
