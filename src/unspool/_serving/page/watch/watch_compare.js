// Several runs in one picture, and where they differ.

import { hashOf } from "./route.js";
import { make } from "./symbols.js";
import { AXES, Chart, bits, clock } from "./watch_chart.js";
import { Curves, addressOfRun, follow } from "./watch_curves.js";
import { axisChoices, heading, progressWords, stateMark } from "./watch_parts.js";
import { number, word } from "./words.js";

const REDRAWN = 300;  // milliseconds between two pictures

export function openComparison(root, api, names) {
  const runs = names.map((name, index) => ({ name, colour: index + 1, curves: new Curves(), row: null, details: null }));
  const chart = new Chart(), choices = axisChoices(() => drawChart());
  let timer = 0, closed = false;
  const back = make("a", { href: hashOf("watch") }), unit = make("p", { className: "note" }), title = heading("");
  const results = make("div", {}), differences = make("div", {}), titles = { watchCurve: make("h2", {}), watchResults: make("h2", {}), watchDifferences: make("h2", {}) };
  root.replaceChildren(make("p", { className: "way" }, back), title,
    make("div", { className: "sheet" }, make("div", { className: "heading" }, titles.watchCurve, choices.root), chart.root, unit),
    make("section", {}, titles.watchResults, results), make("section", {}, titles.watchDifferences, differences));

  function draw() {
    timer = 0;
    if (closed) return;
    drawChart();
    drawResults();
  }

  const soon = () => { timer ||= setTimeout(draw, REDRAWN); };

  function drawChart() {
    const axis = choices.axis(), lines = [];
    for (const { name, colour, curves } of runs) {
      const heldOut = curves.heldOut(axis), learnt = curves.learnt(axis);
      if (learnt.length) lines.push({ name: word("watchLearnt"), group: name, colour, points: learnt, faint: true });
      if (heldOut.length) lines.push({ name: word("watchHeldOut"), group: name, colour, points: heldOut, dots: true });
    }
    chart.root.hidden = lines.length === 0;
    unit.textContent = lines.length ? word("watchUnit") : word("watchNothing");
    chart.draw({ lines, x: AXES[axis], late: choices.late() });
  }

  function drawResults() {
    const cells = {
      watchState: (row) => stateMark(row.state),
      watchPlan: (row) => (row.step === undefined ? "" : progressWords(row)),
      watchBest: (row) => (row.best == null ? word("watchUnset") : word("watchOf", bits(row.best), number(row.best_step))),
      watchHeldOut: (row) => (row.held_out == null ? word("watchUnset") : bits(row.held_out)),
      watchLearnt: (row) => (row.bits_per_character == null ? word("watchUnset") : bits(row.bits_per_character)),
      watchTime: (row) => (row.seconds === undefined ? "" : clock(row.seconds)),
      watchPace: (row) => (row.characters_per_second == null ? word("watchUnset") : word("watchSpeed", number(Math.round(row.characters_per_second)))),
      watchParameters: (row) => (row.network ? number(row.network.parameters) : word("watchUnset")),
    };
    const least = Math.min(...runs.map(({ row }) => row?.best ?? Infinity));
    const lines = Object.entries(cells).map(([key, say]) => make("tr", {}, make("th", { scope: "row" }, word(key)),
      ...runs.map(({ row }) => make("td", { className: key === "watchBest" && row?.best === least ? "best" : "" }, row === null ? "…" : say(row)))));
    results.replaceChildren(table(word("watchResults"), lines));
  }

  function drawDifferences() {
    const whole = runs.filter((run) => run.details?.configuration), keys = new Map();
    for (const { details } of whole)
      for (const [part, values] of Object.entries(details.configuration)) for (const key of Object.keys(values)) keys.set(`${part} ${key}`, [part, key]);
    const value = (run, part, key) => run.details?.configuration?.[part]?.[key] ?? null;
    const lines = [...keys.values()].filter(([part, key]) => new Set(whole.map((run) => JSON.stringify(value(run, part, key)))).size > 1)
      .map(([part, key]) => make("tr", {}, make("th", { scope: "row" }, broken(key)), ...runs.map((run) => make("td", {}, shown(value(run, part, key))))));
    differences.replaceChildren(lines.length || whole.length < 2 ? table(word("watchDifferences"), lines) : make("p", { className: "note" }, word("watchSame")));
  }

  function table(label, lines) {
    const heads = runs.map(({ name, colour }) => make("th", { scope: "col" }, make("span", { className: `key c${colour}`, "aria-hidden": "true" }), make("a", { href: hashOf("watch", { run: name }) }, make("bdi", {}, name))));
    return make("div", { className: "scroll wide", tabIndex: 0, role: "region", "aria-label": label },
      make("table", {}, make("thead", {}, make("tr", {}, make("td", {}), ...heads)), make("tbody", {}, ...lines)));
  }

  async function lookAt(run) {
    try {
      run.details = await api.get(addressOfRun(run.name));
    } catch {
      run.details = null;  // the stream tells why
    }
    if (!closed) drawDifferences();
  }

  const ends = runs.map((run) => follow(api, run.name, (event, data) => {
    if (event === "state" || event === "gone") {
      const before = run.row?.state;
      run.row = data ?? { ...(run.row ?? {}), state: "gone" };
      if (run.row.state !== before && run.row.state !== "gone") lookAt(run);
    } else if (event !== "failed") run.curves.take(event, data);
    soon();
  }));

  function speak() {
    title.textContent = word("watchCompared");
    back.textContent = `← ${word("watchBack")}`;
    for (const [key, one] of Object.entries(titles)) one.textContent = word(key);
    choices.speak();
    drawDifferences();
    draw();
  }

  speak();
  return { speak, close: () => { closed = true; ends.forEach((end) => end()); clearTimeout(timer); } };
}

const broken = (name) => name.replaceAll("_", "_\u200b");  // where a long name may go on in the next line

function shown(value) {
  if (value === null) return word("watchUnset");
  if (typeof value === "boolean") return word(value ? "watchYes" : "watchNo");
  return typeof value === "number" ? number(value, { maximumSignificantDigits: 6 }) : typeof value === "object" ? JSON.stringify(value) : String(value);
}
