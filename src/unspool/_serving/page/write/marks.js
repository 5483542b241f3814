// Marks in a text what stands in the training text.

import { make } from "./symbols.js";
import { word } from "./words.js";

// Marks spans, [first, last + 1] each in characters of the whole text, in what is written of an article of Texts.
export function mark({ data, text, prompt }, spans) {
  const characters = Array.from(text), from = Array.from(prompt).length, to = characters.length;
  const all = [], add = (start, end, marked) => {
    const words = characters.slice(start, end).join("");
    if (words) all.push(marked ? make("mark", { className: "copied", textContent: words, title: word("copiedSpan") }) : words);
  };
  let at = from;
  for (const [start, end] of spans) {
    const begin = Math.max(at, Math.min(start, to)), stop = Math.max(begin, Math.min(end, to));
    add(at, begin, false);
    add(begin, stop, true);
    at = stop;
  }
  add(at, to, false);
  if (all.length) data.replaceWith(...all);
}

// Returns how much of what was written is copied, from 0 to 1.
export function shareOf(results) {
  const all = results.reduce((sum, { continuation }) => sum + Array.from(continuation).length, 0);
  const copied = results.reduce((sum, { copied: spans }) => sum + spans.reduce((length, [start, end]) => length + end - start, 0), 0);
  return all ? copied / all : 0;
}
