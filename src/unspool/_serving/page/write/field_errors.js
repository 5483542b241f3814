// Errors of the server at the field that they concern.

import { byId, make } from "./symbols.js";
import { camelCase } from "./request.js";

const FIELDS = { prompt: "prompt", seed: "seed", n: "count", max_tokens: "maxNewTokens", max_new_tokens: "maxNewTokens", temperature: "temperature", source: "source", vector: "vector", context: "told-0" };
const ID = "field-error";

// Returns the field that an error is about, by its parameter or the name that its message begins with; or null.
export function fieldOf({ param, code, told }) {
  if (code === "unknown_symbol") return byId("prompt");
  const [, named] = /^(?:.* the constraint )?(\w+)\b/s.exec(told) ?? [];
  return [param, named].map(fieldNamed).find(Boolean) ?? null;
}

function fieldNamed(param) {
  const plain = (param ?? "").replace(/[[.].*$/s, ""), name = camelCase(plain);
  return plain && [FIELDS[plain], `option-${name}`, `must-${name}`].map((id) => id && byId(id)).find(Boolean);
}

// Shows an error at the field that it is about, and goes there; returns whether there is such a field.
export function showAtField(error) {
  clearField();
  const field = fieldOf(error);
  if (field === null) return false;
  const note = make("p", { id: ID, className: "note wrong", textContent: error.message });
  note.dataset.before = field.getAttribute("aria-describedby") ?? "";
  for (let parent = field.closest("details"); parent; parent = parent.parentElement.closest("details")) parent.open = true;
  (field.closest(".dial, .field, .tick") ?? field).append(note);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${ID} ${note.dataset.before}`.trim());
  field.addEventListener("input", clearField, { once: true });
  field.focus();
  return true;
}

// Takes the sentence away again.
export function clearField() {
  const note = byId(ID);
  if (note === null) return;
  const field = document.querySelector(`[aria-describedby~="${ID}"]`);
  field?.removeAttribute("aria-invalid");
  if (note.dataset.before) field?.setAttribute("aria-describedby", note.dataset.before);
  else field?.removeAttribute("aria-describedby");
  note.remove();
}
