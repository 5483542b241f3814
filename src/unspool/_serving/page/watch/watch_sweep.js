// A sweep: its trials in a table with what each has reached, the best one marked, and the curves of some in one picture.

import { hashOf } from "./route.js";
import { make } from "./symbols.js";
import { AXES, Chart, bits, clock } from "./watch_chart.js";
import { ago, heading, stateMark } from "./watch_parts.js";
import { number, word } from "./words.js";

const MOST_CURVES = 6, EVERY = 2000;  // milliseconds between two looks

export const addressOfSweep = (name) => `/api/sweeps/${name.split("/").map(encodeURIComponent).join("/")}`;

export function openSweep(root, api, name) {
  const chart = new Chart(), state = make("p", { className: "standing" }), trouble = make("p", { className: "wrong" });
  const back = make("a", { href: hashOf("watch") }), unit = make("p", { className: "note" }), verdict = make("p", { className: "said" });
  const table = make("div", {}), titles = { watchCurve: make("h2", {}), watchTrials: make("h2", {}) };
  let sweep = null, picked = null, closed = false, timer = 0, drawn = "";
  root.replaceChildren(make("p", { className: "way" }, back), make("div", { className: "heading" }, heading(make("bdi", {}, name)), state), trouble, verdict,
    make("div", { className: "sheet" }, make("div", { className: "heading" }, titles.watchCurve), chart.root, unit),
    make("section", {}, titles.watchTrials, table));

  // Returns the trials whose curves are drawn: those that were chosen, or else the best.
  function shown() {
    const measured = sweep.trials.filter((trial) => trial.curve.length);
    if (picked) return measured.filter((trial) => picked.includes(trial.number));
    return measured.sort((one, other) => reached(one) - reached(other)).slice(0, MOST_CURVES).sort((one, other) => one.number - other.number);
  }

  function draw() {
    if (sweep === null) return;
    state.replaceChildren(stateMark(sweep.state), ` ${[sweep.text, word("watchSettled", number(sweep.settled), number(sweep.trials.length)), ago(sweep.changed)].filter(Boolean).join(" · ")}`);
    trouble.textContent = sweep.trouble ?? "";
    trouble.hidden = sweep.trouble === null;
    verdict.textContent = sweep.verdict ?? "";
    const colours = new Map(shown().map((trial, index) => [trial.number, index + 1]));
    const lines = sweep.trials.filter((trial) => colours.has(trial.number)).map((trial) => ({
      name: word("watchHeldOut"), group: word("watchTrial", number(trial.number)), colour: colours.get(trial.number), dots: true,
      points: trial.curve.map(([x, y]) => ({ x, y, best: trial.number === sweep.best_trial && y === sweep.best })),
    }));
    chart.root.hidden = lines.length === 0;
    unit.textContent = lines.length ? word("watchUnit") : word("watchNoTrial");
    chart.draw({ lines, x: AXES.seconds, late: false });
    drawTable(colours);
  }

  function drawTable(colours) {
    const names = [...new Set(sweep.trials.flatMap((trial) => Object.keys(trial.configuration)))];
    const varied = names.filter((one) => new Set(sweep.trials.map((trial) => trial.configuration[one])).size > 1);
    const heads = ["watchTrialNumber", "watchHeldOut", "watchState", ...varied, "watchSeed", "watchParameters", "watchTime"];
    const rows = [...sweep.trials].sort((one, other) => reached(one) - reached(other) || one.number - other.number);
    const body = rows.map((trial) => make("tr", { className: trial.number === sweep.best_trial ? "best" : "" },
      make("th", { scope: "row" }, pick(trial, colours)),
      make("td", {}, trial.curve.length ? bits(reached(trial)) : word("watchUnset"), trial.number === sweep.best_trial ? make("span", { className: "mark" }, ` ${word("watchBestMark")}`) : ""),
      make("td", { title: trial.message ?? "" }, word(`watchTrial_${trial.state}`) ?? trial.state ?? ""),
      ...varied.map((one) => make("td", {}, worded(trial.configuration[one]))),
      ...[trial.seed, trial.parameters].map((value) => make("td", {}, value === null ? word("watchUnset") : number(value))),
      make("td", {}, trial.seconds === null ? word("watchUnset") : clock(trial.seconds))));
    const focus = document.activeElement?.dataset.trial, scrolled = table.firstElementChild?.scrollLeft ?? 0;
    table.replaceChildren(make("div", { className: "scroll wide trials", tabIndex: 0, role: "region", "aria-label": word("watchTrials") },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, varied.includes(key) ? key.replaceAll("_", " ") : word(key))))), make("tbody", {}, ...body))));
    table.firstElementChild.scrollLeft = scrolled;
    if (focus !== undefined) table.querySelector(`[data-trial="${focus}"]`)?.focus();
  }

  // Makes the choice whether the curve of a trial is drawn.
  function pick(trial, colours) {
    const box = make("input", { type: "checkbox", checked: colours.has(trial.number), disabled: !trial.curve.length || (colours.size >= MOST_CURVES && !colours.has(trial.number)) });
    box.dataset.trial = trial.number;
    box.setAttribute("aria-label", word("watchPickTrial", number(trial.number)));
    box.addEventListener("change", () => {
      picked = [...colours.keys()].filter((one) => one !== trial.number);
      if (box.checked) picked.push(trial.number);
      draw();
    });
    const colour = colours.get(trial.number);
    return make("label", { className: "pick" }, box, make("span", { className: colour ? `key c${colour}` : "" }, number(trial.number)));
  }

  async function look() {
    if (!document.hidden || sweep === null) {
      try {
        const told = await api.get(addressOfSweep(name)), now = JSON.stringify(told);
        if (closed) return;
        if (now !== drawn) {
          [sweep, drawn] = [told, now];
          draw();
        }
      } catch (error) {
        if (!closed && api.here) [trouble.textContent, trouble.hidden] = [error.status === 404 ? word("watchSweepGone") : error.message, false];
      }
    }
    if (!closed) timer = setTimeout(look, EVERY);
  }

  function speak() {
    back.textContent = `← ${word("watchBack")}`;
    for (const [key, title] of Object.entries(titles)) title.textContent = word(key);
    draw();
  }

  trouble.hidden = true;
  speak();
  look();
  return { speak, close: () => { closed = true; clearTimeout(timer); } };
}

// Returns the fewest bits per character of a trial.
const reached = (trial) => Math.min(...trial.curve.map(([, value]) => value));

const worded = (value) => (value === undefined ? word("watchUnset") : typeof value === "number" ? number(value, { maximumSignificantDigits: 4 }) : value);

// Makes the list of the sweeps, which stands below the runs; `draw` takes their rows.
export function makeSweeps() {
  const title = make("h2", {}), list = make("ul", { className: "sweeps" }), root = make("section", { hidden: true }, title, list);
  let drawn = "";
  function draw(rows) {
    title.textContent = word("watchSweeps");
    root.hidden = rows.length === 0;
    const now = JSON.stringify([rows, word("watchSweeps")]);
    if (now === drawn || list.contains(document.activeElement)) return;
    drawn = now;
    list.replaceChildren(...rows.map((row) => make("li", {},
      make("a", { className: "name", href: hashOf("watch", { sweep: row.name }) }, make("bdi", {}, row.name)), stateMark(row.state),
      make("p", { className: row.trouble ? "wrong" : "note" }, row.trouble ?? [row.text, word("watchTried", number(row.settled)), row.best === null ? null : `${word("watchBest")} ${bits(row.best)}`].filter(Boolean).join(" · ")))));
  }
  return { root, draw };
}
