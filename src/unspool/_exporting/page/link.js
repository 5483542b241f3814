// A link that keeps the settings: the part of the address after #, which no server ever sees.

import { byId } from "./symbols.js";

const read = () => new URLSearchParams(location.hash.slice(1));

// Returns the engine that a link asks for, or null.
export const engineOfLink = () => read().get("engine");

// Sets the fields, [name, field] each, that a link names; those that it does not name keep what they have.
export function takeLink(fields) {
  const settings = read();
  for (const [name, field] of fields) {
    if (!settings.has(name)) continue;
    field.value = settings.get(name);
    if (name === "temperature") field.dataset.touched = "yes";
  }
  if (/^\d{1,20}$/.test(settings.get("seed") ?? "")) {
    byId("seed").value = settings.get("seed");
    byId("fresh").checked = false;
  }
}

// Returns the address of this page with its settings, and shows it where the browser lets it. `usual` has the values
// that need no mention; `before` comes before the settings.
export function linkOf(fields, usual, before = "") {
  const settings = new URLSearchParams();
  for (const [name, field] of fields)
    if (field.value !== (usual.get(name) ?? "")) settings.set(name, field.value);
  settings.set("seed", byId("seed").value);
  if (engineOfLink()) settings.set("engine", engineOfLink());
  const address = `${location.href.replace(/#.*$/s, "")}#${before}${settings}`;
  try {
    history.replaceState(null, "", address);
  } catch {  // a page without an address of its own
  }
  return address;
}
