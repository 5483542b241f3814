// How a symbol looks to people, and small pieces of a page. All that comes from a model is set as text.

const SHAPES = { " ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥" };

// Returns a symbol with marks for what has no shape: white space, marks of direction, controls.
export function shown(symbol) {
  if (symbol in SHAPES) return SHAPES[symbol];
  const visible = symbol.replace(/[\p{C}\p{Z}]/gu, (one) =>
    one === " " || one === "\u200d" ? one : `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  return /^\p{M}/u.test(visible) ? `◌${visible}` : visible;
}

// Makes an element with properties and children: strings become text.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name.startsWith("aria-") || name === "role" || name === "for" || name === "dir") element.setAttribute(name, value);
    else element[name] = value;
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

// Copies a text; returns whether that worked.
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {  // not allowed, or not there
    const area = make("textarea", { value: text, className: "unseen" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
