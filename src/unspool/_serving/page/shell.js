// The shell: tabs, the language, the key, and whether the server is there. Each tab is a page of its own, loaded when it
// is first shown: a module with
//
//   start(root, api)    draws the page into its element and may return (or promise) an object of
//     shown(settings)     it is shown, or its address has changed: `settings` are what comes after #/tab&
//     hidden()            another page is shown
//     speak()             the language has changed; what has data-word, data-label or data-hint changes by itself
//
// Words: addWords({ en: {…}, zh: {…} }) of words.js. Elements: make() and byId() of symbols.js, which set text as text.
// Links to another page: hashOf() of route.js.

import "./shell_words.js";
import { ApiError, api } from "./api.js";
import { askForKey } from "./key.js";
import { TABS, route } from "./route.js";
import { byId } from "./symbols.js";
import { LANGUAGES, speak, word } from "./words.js";

const LANGUAGE = "unspool-language";
const SAID_FOR = 4000;  // milliseconds
const WORDS = { write: "tabWrite", watch: "tabWatch", train: "tabTrain" };

const pages = new Map();  // tab -> promise of what its start() returned
let current = null;
let failed = false;  // whether what was to be shown last could not be

// Shows the page that the address names.
async function show() {
  const { tab, settings } = route();
  if (current !== null && current !== tab) (await pages.get(current)?.catch(() => null))?.hidden?.();
  current = tab;
  for (const name of TABS) {
    byId(`panel-${name}`).hidden = name !== tab;
    byId(`tab-${name}`).toggleAttribute("aria-current", name === tab);
    if (name === tab) byId(`tab-${name}`).setAttribute("aria-current", "page");
  }
  byId(`tab-${tab}`).href = location.hash || `#/${tab}`;
  name();
  if (api.here) trouble("");
  failed = false;
  try {
    const page = await opened(tab);
    if (current === tab) await page?.shown?.(settings);
  } catch (error) {
    failed = true;
    trouble(error instanceof ApiError && error.status === 401 ? word("keyNone") : word("cannotStart", error.message));
    if (!(error instanceof ApiError)) console.error(error);
  }
}

// Returns a promise of the page of a tab, which is started when it is first asked for, and anew if that failed.
function opened(tab) {
  if (!pages.has(tab)) {
    pages.set(tab, started(tab));
    pages.get(tab).catch(() => pages.delete(tab));
  }
  return pages.get(tab);
}

async function started(tab) {
  const { start } = await import(`./${tab}.js`);
  return start(byId(`panel-${tab}`), api);
}

function name() {
  document.title = `${word(WORDS[current])} · unspool`;
}

function trouble(words) {
  byId("trouble").textContent = words;
  byId("trouble").hidden = words === "";
}

async function take(language) {
  speak(language);
  name();
  if (!api.here) trouble(word("gone"));
  for (const page of pages.values()) (await page.catch(() => null))?.speak?.();
}

function listen() {
  addEventListener("hashchange", show);
  for (const tab of TABS)  // the way back to a page is the way to where it was
    byId(`tab-${tab}`).addEventListener("click", () => { byId(`tab-${current}`).href = location.hash || `#/${current}`; });
  for (const language of Object.keys(LANGUAGES))
    byId(`lang-${language}`).addEventListener("click", () => {
      remember(language);
      take(language);
    });
  api.addEventListener("gone", () => trouble(word("gone")));
  api.addEventListener("back", () => {
    trouble("");
    byId("said").textContent = word("back");
    setTimeout(() => { byId("said").textContent = ""; }, SAID_FOR);
    if (failed) show();
  });
}

function wanted() {
  const tags = navigator.languages?.length ? navigator.languages : [navigator.language];
  return remembered() ?? tags.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES) ?? "en";
}

function remembered() {
  try {
    return localStorage.getItem(LANGUAGE);
  } catch {  // a browser that keeps nothing
    return null;
  }
}

function remember(language) {
  try {
    localStorage.setItem(LANGUAGE, language);
  } catch {  // it is chosen again next time
  }
}

api.askForKey = askForKey;
speak(wanted());
current = route().tab;
listen();
show();
api.watch();
