// Asks for the key of the server in a dialog.

import { byId } from "./symbols.js";
import { word } from "./words.js";

// Returns a promise of the key, null if the user has none; `refused` says that the last one was wrong.
export function askForKey(refused) {
  const dialog = byId("key-dialog"), field = byId("key");
  byId("key-wrong").textContent = refused ? word("keyRefused") : "";
  field.setAttribute("aria-invalid", String(refused));
  field.value = "";
  return new Promise((resolve) => {
    const close = (key) => {
      done.abort();
      if (dialog.open) dialog.close();
      resolve(key);
    };
    const done = new AbortController(), { signal } = done;
    byId("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      close(field.value.trim());
    }, { signal });
    byId("key-cancel").addEventListener("click", () => close(null), { signal });
    dialog.addEventListener("close", () => close(null), { signal });  // Escape
    dialog.showModal();
    field.focus();
  });
}
