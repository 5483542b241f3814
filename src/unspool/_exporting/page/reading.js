// A text coloured by surprise, with a legend and figures.

import { byId, make, shown } from "./symbols.js";
import { explained, number, word } from "./words.js";

const LEVELS = [1, 2, 3, 4, 6, 8, 12];  // bits at which a new colour begins
export const LONGEST = 20000;  // characters
const MOST = 5;  // surprising symbols that are named

const levelOf = (bits) => LEVELS.filter((least) => bits >= least).length;
const rounded = (bits, digits = 2) => number(bits, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// Returns the symbols with what belongs together in one: the bytes of a character, a letter with its marks.
function clusters(symbols) {
  const text = symbols.map((one) => one.text).join(""), ends = new Set();
  if (Intl.Segmenter) for (const { index, segment } of new Intl.Segmenter().segment(text)) ends.add(index + segment.length);
  const together = [];
  let open = null, at = 0;
  for (const { text: piece, bits } of symbols) {
    open ??= { text: "", bits: 0 };
    open.text += piece;
    open.bits += bits;
    at += piece.length;
    if (piece === "" || (ends.size && !ends.has(at))) continue;
    together.push(open);
    open = null;
  }
  return open ? [...together, open] : together;
}

// Shows an answer of the engine: {symbols} with the end last, or {error}.
export function showReading(answer, cut) {
  byId("read").hidden = false;
  byId("legend").hidden = byId("coloured").hidden = Boolean(answer.error);
  byId("figures").classList.toggle("wrong", Boolean(answer.error));
  if (answer.error) {
    byId("figures").textContent = word("cannot", explained(answer.error));
    return;
  }
  const end = answer.symbols.at(-1), parts = clusters(answer.symbols.slice(0, -1));
  const spans = parts.map(({ text, bits }) => spanOf(text, bits, shown(text)));
  byId("coloured").replaceChildren(...spans, spanOf("∎", end.bits, word("ends")));
  showFigures(answer.symbols, parts, cut);
  showLegend();
}

function spanOf(text, bits, name) {
  const title = `${name}  ${word("bits", rounded(bits))}`;
  return make("span", { className: `heat${levelOf(bits)}`, textContent: text === "\n" ? "↵\n" : text, title });
}

function showFigures(symbols, parts, cut) {
  const total = symbols.reduce((sum, { bits }) => sum + bits, 0);
  const characters = Array.from(symbols.map((one) => one.text).join("")).length;
  const each = total / characters;
  const most = [...parts].sort((a, b) => b.bits - a.bits).slice(0, MOST);
  const list = most.map(({ text, bits }) => `\u2068${shown(text)}\u2069 (${word("bits", rounded(bits, 1))})`).join(", ");
  const lines = [make("span", {}, word("expected", rounded(2 ** each, 1))), make("span", {}, word("most", list))];
  if (cut) lines.push(make("span", {}, word("tooLong", number(LONGEST))));
  byId("figures").replaceChildren(make("strong", {}, word("perCharacter", rounded(each))), ...lines);
  byId("figures").dataset.bits = String(each);
}

function showLegend() {
  const bounds = [0, ...LEVELS];
  byId("legend").replaceChildren(...bounds.map((least, level) => {
    const words = level === LEVELS.length ? `≥ ${least}` : `${least}–${bounds[level + 1]}`;
    return make("li", {}, make("span", { className: `heat${level}`, textContent: words }));
  }));
}
