// What comes next: a bar for each of the most probable symbols, which appends the symbol to the prompt.

import { byId, make, shown } from "./symbols.js";
import { explained, percent, word } from "./words.js";

export const TOP = 10;

// Shows an answer of the engine: {symbols: [{symbol, spelling, means, probability}]} or {error}. A symbol that has no
// spelling cannot be appended; one that is no text at all, as the end, says what it means.
export function showBars(answer, append) {
  byId("next-note").textContent = answer.error ? word("cannot", explained(answer.error)) : "";
  byId("next-note").classList.toggle("wrong", Boolean(answer.error));
  const symbols = answer.symbols ?? [], most = symbols[0]?.probability ?? 1;
  const focused = [...byId("bars").querySelectorAll("button")].indexOf(document.activeElement);
  byId("bars").replaceChildren(...symbols.map((one) => make("li", {}, barOf(one, most, append))));
  if (focused >= 0) [...byId("bars").querySelectorAll("button")].at(focused)?.focus();
}

function barOf({ symbol, spelling, means, probability }, most, append) {
  const name = means ? word(means) : shown(symbol);
  const glyph = make("bdi", { className: spelling === null ? "glyph named" : "glyph", textContent: name });
  const bar = make("span", { className: "bar" }), share = percent(probability);
  bar.style.setProperty("--share", probability / most);
  const parts = [glyph, bar, make("span", { className: "share", textContent: share })];
  if (spelling === null) return make("span", { className: "next-symbol" }, ...parts);
  const button = make("button", { type: "button", className: "next-symbol", "aria-label": word("append", name, share) }, ...parts);
  button.addEventListener("click", () => append(spelling));
  return button;
}
