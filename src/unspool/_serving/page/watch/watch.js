// The page Watch: every run below the served folders; one of them, live; or several, compared.
//
//   #/watch                       the list
//   #/watch&run=names             one run
//   #/watch&run=names&run=other   both in one picture
//   #/watch&sweep=names           a sweep, with its trials

import "./watch_words.js";
import { hashOf } from "./route.js";
import { make } from "./symbols.js";
import { bits, spark } from "./watch_chart.js";
import { openComparison } from "./watch_compare.js";
import { ago, commandBox, heading, networkWords, progressWords, stateMark } from "./watch_parts.js";
import { openRun } from "./watch_run.js";
import { makeSweeps, openSweep } from "./watch_sweep.js";
import { currentLanguage, number, word } from "./words.js";

const MOST_COMPARED = 6;
const EVERY = 2000;  // milliseconds between two looks at the list

export function start(root, api) {
  let open = null;  // the view that is shown: { speak(), close() }
  let names = [], sweep = null, wasAt = "";
  const view = () => (sweep !== null ? openSweep(root, api, sweep) : names.length === 0 ? openList(root, api) : names.length === 1 ? openRun(root, api, names[0]) : openComparison(root, api, names));
  return {
    shown(settings) {
      names = settings.getAll("run").slice(0, MOST_COMPARED);
      sweep = settings.get("sweep");
      const at = [sweep ?? "", ...names].join("\n"), moved = open !== null && at !== wasAt;
      if (open && !moved) return;
      open?.close();
      open = view();
      wasAt = at;
      if (!moved) return;
      scrollTo(0, 0);
      root.querySelector("h1")?.focus({ preventScroll: true });
    },
    hidden() {
      open?.close();
      open = null;
    },
    speak() {
      open?.speak();
    },
  };
}

function openList(root, api) {
  const picked = new Set(), entries = new Map();
  const list = make("ul", { className: "runs" }), note = make("p", { className: "note" });
  const compare = make("a", { className: "button" }), clear = make("button", { type: "button", className: "quiet", onclick: pickNone });
  const title = heading(""), bar = make("div", { className: "heading" }, title, make("p", { className: "tools", role: "status" }, compare, clear));
  const sweeps = makeSweeps();
  let rows = null, swept = [], timer = 0, closed = false, order = "";

  function pickNone() {
    picked.clear();
    for (const entry of entries.values()) entry.box.checked = false;
    tellPicked();
    compare.focus();
  }

  function tellPicked() {
    const full = picked.size > MOST_COMPARED;
    compare.textContent = full ? word("watchTooMany", number(MOST_COMPARED)) : word("watchCompare", picked.size);
    if (picked.size < 2 || full) compare.removeAttribute("href");
    else compare.href = hashOf("watch", [...picked].map((name) => ["run", name]));
    compare.hidden = (rows?.length ?? 0) < 2;
    clear.hidden = picked.size === 0;
    clear.textContent = word("watchClear");
  }

  function draw() {
    title.textContent = word("watchTitle");
    tellPicked();
    const nothing = rows !== null && rows.length + swept.length === 0;
    note.textContent = rows === null ? word("watchLoading") : nothing ? word("watchNone") : "";
    note.hidden = note.textContent === "";
    hint.hidden = !nothing;
    sweeps.draw(swept);
    const names = new Set((rows ?? []).map((row) => row.name));
    for (const [name, entry] of entries)
      if (!names.has(name)) {
        entry.root.remove();
        entries.delete(name);
        if (picked.delete(name)) tellPicked();
      }
    for (const row of rows ?? []) {
      if (!entries.has(row.name)) entries.set(row.name, makeEntry(row.name, picked, tellPicked));
      entries.get(row.name).draw(row);
    }
    const now = [...names].join("\n");
    if (now === order || list.contains(document.activeElement)) {  // nothing moves under the fingers of who is in the list
      for (const entry of entries.values()) if (!entry.root.isConnected) list.append(entry.root);
      return;
    }
    order = now;
    list.append(...(rows ?? []).map((row) => entries.get(row.name).root));
  }

  async function look() {
    if (!document.hidden || rows === null) {
      try {
        const [found, tried] = await Promise.all([api.get("/api/runs"), api.get("/api/sweeps")]);
        [rows, swept] = [found.data, tried.data];
        if (!closed) draw();
      } catch (error) {
        if (rows === null && !closed && api.here) note.textContent = error.message;
      }
    }
    if (!closed) timer = setTimeout(look, EVERY);
  }

  const hint = commandBox("unspool train TEXT.txt --minutes 1");
  root.replaceChildren(bar, note, hint, list, sweeps.root);
  draw();
  look();
  return { speak: draw, close: () => { closed = true; clearTimeout(timer); } };
}

// Makes the entry of a run in the list.
function makeEntry(name, picked, tell) {
  const box = make("input", { type: "checkbox", onchange: () => { picked[box.checked ? "add" : "delete"](name); tell(); } });
  const link = make("a", { className: "name", href: hashOf("watch", { run: name }) }, make("bdi", {}, name));
  const what = make("p", { className: "note" }), where = make("p", { className: "where" }), state = make("p", {});
  const figure = make("p", { className: "figure" }), picture = make("div", { className: "picture" }), bar = make("progress", { max: 1 });
  const root = make("li", {}, make("label", { className: "pick" }, box), make("div", { className: "title" }, link, what), state, picture, figure, make("div", { className: "far" }, where, bar));
  let drawn = "";

  function draw(row) {
    box.setAttribute("aria-label", word("watchPick", name));
    const last = !row.is_read ? ` · ${word("watchReading")}` : row.state === "training" ? "" : ` · ${ago(row.changed)}`;
    where.textContent = `${row.trouble ?? progressWords(row)}${last}`;
    where.classList.toggle("wrong", row.trouble !== null);
    const now = JSON.stringify([row, currentLanguage()], (key, value) => (key === "seconds_left" ? 0 : value));
    if (now === drawn) return;
    drawn = now;
    what.textContent = networkWords(row);
    state.replaceChildren(stateMark(row.state));
    picture.replaceChildren(spark(row.curve, row.held_out_curve));
    const value = row.best ?? row.bits_per_character;
    figure.replaceChildren(...(value === null ? [] : [make("strong", {}, bits(value)), " ", make("span", {}, row.best === null ? word("watchLearnt") : word("watchHeldOut"))]));
    bar.hidden = row.state !== "training" || row.progress === null;
    bar.value = row.progress ?? 0;
    bar.setAttribute("aria-label", word("watchPlan"));
  }
  return { root, box, draw };
}
