// One run, live: its curves, figures and texts, what to make of it, and what to do next.

import { hashOf } from "./route.js";
import { make } from "./symbols.js";
import { AXES, Chart, bits, clock } from "./watch_chart.js";
import { Curves, addressOfRun, follow } from "./watch_curves.js";
import { ago, axisChoices, commandBox, dateWords, heading, progressWords, stateMark } from "./watch_parts.js";
import { adviceOf, auditSentences, fitSentence } from "./watch_verdicts.js";
import { number, percent, word } from "./words.js";

const REDRAWN = 250;  // milliseconds between two pictures
const LOOK = 1500;  // milliseconds between two looks at an audit that runs
const MOST_ROWS = 200;

export function openRun(root, api, name) {
  const curves = new Curves(), chart = new Chart(), choices = axisChoices(() => drawChart());
  let row = null, details = null, audit = null, timer = 0, asked = 0, closed = false, told = null;
  const state = make("p", { className: "standing" }), facts = make("dl", { className: "facts" }), trouble = make("p", { className: "note wrong", role: "alert" });
  const bar = make("progress", { max: 1 }), said = make("p", { className: "aloud", role: "status" });
  const unit = make("p", { className: "note" }), table = make("div", { className: "table" }), samples = make("div", { className: "samples" }), temperatures = make("p", { className: "note" });
  const verdict = make("div", { className: "verdict" }), auditBox = make("div", { className: "audit" }), next = make("div", { className: "next-steps" });
  const configuration = make("div", {}), folded = make("details", { className: "configuration", ontoggle: drawConfiguration }, make("summary", {}), configuration);
  const titles = Object.fromEntries(["watchCurve", "watchFigures", "watchSamples", "watchVerdict", "watchAudit", "watchNext"].map((key) => [key, make("h2", {})]));
  const back = make("a", { href: hashOf("watch") });
  const section = (key, ...content) => make("section", {}, titles[key], ...content);
  root.replaceChildren(
    make("p", { className: "way" }, back), make("div", { className: "heading" }, heading(make("bdi", {}, name)), state), trouble, bar, facts, said,
    make("div", { className: "sheet" }, make("div", { className: "heading" }, titles.watchCurve, choices.root), chart.root, unit),
    make("div", { className: "columns" },
      make("div", {}, section("watchVerdict", verdict, next), section("watchAudit", auditBox), folded),
      make("div", {}, section("watchSamples", temperatures, samples), section("watchFigures", table))));

  function draw() {
    timer = 0;
    if (closed) return;
    drawState();
    drawChart();
    drawTable();
    drawSamples();
    drawVerdict();
  }

  const soon = () => { timer ||= setTimeout(draw, REDRAWN); };

  function drawState() {
    if (row === null) return;
    const gone = row.state === "gone";
    state.replaceChildren(stateMark(row.state), gone ? "" : ` ${progressWords(row)}`);
    trouble.textContent = gone ? word("watchGone") : row.trouble ?? "";
    bar.hidden = row.state !== "training" || row.progress === null;
    bar.value = row.progress ?? 0;
    bar.setAttribute("aria-label", word("watchPlan"));
    if (gone) return;
    const best = row.best === null ? null : word("watchOf", bits(row.best), number(row.best_step));
    const parts = [
      ["watchHeldOut", row.held_out === null ? null : bits(row.held_out)], ["watchBest", best],
      ["watchLearnt", row.bits_per_character === null ? null : bits(row.bits_per_character)], ["watchTime", clock(row.seconds)],
      ["watchPace", row.characters_per_second && row.state === "training" ? word("watchSpeed", number(Math.round(row.characters_per_second))) : null],
      ["watchTexts", [row.text, row.characters && word("watchCharacters", number(row.characters))].filter(Boolean).join(", ") || null],
      ["watchParameters", row.network && `${number(row.network.parameters)} (${word("watchNetwork", row.network, number(row.network.num_layers), number(row.network.hidden_size))})`],
      ["watchBegan", dateWords(row.began)], ["watchChanged", row.state === "training" ? null : ago(row.changed)],
    ];
    facts.replaceChildren(...parts.filter(([, value]) => value).map(([key, value]) => make("div", {}, make("dt", {}, word(key)), make("dd", {}, value))));
  }

  function drawChart() {
    const axis = choices.axis(), learnt = curves.learnt(axis), heldOut = curves.heldOut(axis);
    const lines = [{ name: word("watchLearnt"), colour: 1, points: learnt }, { name: word("watchHeldOut"), colour: 2, points: heldOut, dots: true }];
    const empty = !learnt.length && !heldOut.length;
    chart.root.hidden = empty;
    unit.textContent = empty ? word("watchNothing") : word("watchUnit");
    chart.draw({ lines: lines.filter((line) => line.points.length), x: AXES[axis], late: choices.late() });
  }

  function drawTable() {
    const newest = curves.evaluations.slice(-MOST_ROWS).reverse(), best = curves.best(), exact = newest.some((one) => one.exact !== null);
    if (!newest.length) return void table.replaceChildren(make("p", { className: "note" }, word("watchNoEvaluation")));
    const heads = ["watchColEpoch", "watchColStep", "watchColTime", "watchLearnt", "watchHeldOut", ...(exact ? ["watchColExact"] : [])];
    const body = newest.map((one) => make("tr", { className: one === best ? "best" : "" },
      ...[number(one.epoch), number(one.step), one.seconds === null ? "" : clock(one.seconds), bits(one.training_bits_per_character)].map((text) => make("td", {}, text)),
      make("td", {}, one.bits_per_character === null ? word("watchUnset") : bits(one.bits_per_character), one === best ? make("span", { className: "mark" }, ` ${word("watchBestMark")}`) : ""),
      ...(exact ? [make("td", {}, one.exact === null ? word("watchUnset") : percent(one.exact))] : [])));
    replaced(table, make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": word("watchEvaluations") },
      make("table", {}, make("caption", {}, word("watchEvaluations")), make("thead", {}, make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, word(key))))), make("tbody", {}, ...body))));
  }

  function drawSamples() {
    temperatures.textContent = curves.samples.length ? word("watchTemperatures") : "";
    if (!curves.samples.length) return void samples.replaceChildren(make("p", { className: "note" }, word("watchNoSample")));
    const groups = Map.groupBy ? Map.groupBy(curves.samples, (one) => one.step) : grouped(curves.samples);
    const parts = [...groups].reverse().map(([step, texts]) => make("div", { className: "sample" },
      make("h3", {}, `${word("watchEpoch", number(texts[0].epoch))} · ${word("watchStep", number(step))}`),
      ...texts.map((one) => make("p", {}, make("span", { className: "note", title: word("watchTemperature", number(one.temperature)) }, number(one.temperature)),
        make("bdi", { className: "text", dir: "auto" }, make("span", { className: "given" }, one.source === null ? one.prompt ?? "" : `${one.source} → `), one.text || (one.prompt ? "" : word("watchEmpty")))))));
    replaced(samples, make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": word("watchSamples") }, ...parts));
  }

  function drawVerdict() {
    if (row === null || row.state === "gone") return;
    const sentence = row.fit === null ? word("watchNoVerdict") : fitSentence(row.fit);
    verdict.replaceChildren(make("p", { className: "said" }, sentence, row.fit && row.state === "training" ? make("span", { className: "note" }, ` ${word("watchFitNow")}`) : ""),
      ...(row.state === "finished" && curves.finish ? [make("p", { className: "note" }, word(`watchEndsBy_${curves.finish.reason}`) ?? "")] : []),
      ...(curves.broken ? [make("p", { className: "note" }, word("watchBroken", number(curves.broken)))] : []));
    if (details === null) return;
    const advice = adviceOf({ ...details, ...row, audit: audit?.audit ?? null });
    const now = JSON.stringify(advice);
    if (next.dataset.now === now) return;  // who is about to copy a command is not disturbed
    next.dataset.now = now;
    titles.watchNext.textContent = word("watchNext");
    next.replaceChildren(titles.watchNext, make("ul", {}, ...advice.map(([words, command, link]) => make("li", {}, make("p", {}, words, link ? " " : "", link ? make("a", { href: link[1] }, link[0]) : ""), ...(command ? [commandBox(command)] : [])))));
  }

  function drawAudit() {
    if (audit === null) return;
    const { state: at, message, audit: found } = audit, busy = at === "waiting" || at === "running", had = document.activeElement?.dataset.audit;
    const parts = [];
    if (found) {
      if (found.stale) parts.push(make("p", { className: "note wrong" }, word("watchAuditStale")));
      parts.push(...auditSentences(found).map((words) => make("p", { className: "said" }, words)));
      const longest = found.longest.filter((one) => one.copied > 0 && typeof one.span === "string");
      if (longest.length) parts.push(make("h3", {}, word("watchCopies")), make("ol", { className: "copies" },
        ...longest.map((one) => make("li", {}, make("bdi", { className: "text" }, make("span", { className: "given" }, one.before ?? ""), make("mark", {}, one.span), make("span", { className: "given" }, one.after ?? ""))))));
    } else if (!busy && at !== "failed") parts.push(make("p", { className: "note" }, word("watchAuditNone")));
    if (at === "failed") parts.push(make("p", { className: "note wrong" }, `${word("watchAuditFailed")} ${message}`));
    parts.push(make("p", { className: "note", role: "status" }, at === "waiting" ? word("watchAuditWaiting") : at === "running" ? word("watchAuditRunning") : ""));
    if (!busy && row?.has_model && (!found || found.stale)) {
      const button = make("button", { type: "button", onclick: startAudit }, word(found ? "watchAuditAgain" : "watchAuditStart"));
      button.dataset.audit = "start";
      parts.push(button);
    }
    auditBox.replaceChildren(...parts);
    if (had) auditBox.querySelector("button")?.focus();
  }

  async function startAudit() {
    await askAudit(() => api.post(`${addressOfRun(name)}/audit`));
  }

  async function askAudit(ask) {
    clearTimeout(asked);
    try {
      audit = await ask();
    } catch (error) {
      audit = { state: "failed", message: error.message, audit: audit?.audit ?? null };
    }
    if (closed) return;
    drawAudit();
    drawVerdict();
    if (audit.state === "waiting" || audit.state === "running") asked = setTimeout(lookAtAudit, LOOK);
  }

  const lookAtAudit = () => askAudit(() => api.get(`${addressOfRun(name)}/audit`));

  async function lookAtAll() {
    try {
      details = await api.get(addressOfRun(name));
      if (closed) return;
      next.dataset.now = "";
      drawConfiguration();
      soon();
    } catch {
      details = null;  // it is told by the stream
    }
  }

  function drawConfiguration() {
    folded.firstChild.textContent = word("watchConfiguration");
    if (!folded.open || !details?.configuration) return;
    const lines = [["folder", details.folder], ...Object.entries(details.configuration).flatMap(([, part]) => Object.entries(part))];
    configuration.replaceChildren(make("table", {}, make("tbody", {}, ...lines.filter(([, value]) => value !== null).map(([key, value]) =>
      make("tr", {}, make("th", { scope: "row" }, key), make("td", {}, typeof value === "object" ? JSON.stringify(value) : String(value)))))));
  }

  const end = follow(api, name, (event, data) => {
    if (event === "state") {
      const before = row?.state;
      row = data ?? { ...(row ?? {}), state: "gone" };
      if (row.state !== before && row.state !== "gone") lookAtAll().then(lookAtAudit);
      if (before && row.state !== before) said.textContent = word(`watchState_${row.state}`);
    } else if (event === "gone") row = { ...(row ?? {}), state: "gone" };
    else if (event === "failed") trouble.textContent = word("watchFailed", data.message);
    else {
      curves.take(event, data);
      tellEvaluation();
    }
    soon();
  });

  function tellEvaluation() {  // for those who do not see the curve
    const newest = curves.evaluations.at(-1);
    if (told !== null && newest && newest.step !== told && newest.bits_per_character !== null)
      said.textContent = `${word("watchEpoch", number(newest.epoch))}: ${word("watchHeldOut")} ${bits(newest.bits_per_character)}`;
    told = newest?.step ?? 0;
  }

  function speak() {
    for (const [key, title] of Object.entries(titles)) title.textContent = word(key);
    back.textContent = `← ${word("watchBack")}`;
    choices.speak();
    next.dataset.now = "";
    drawConfiguration();
    drawAudit();
    draw();
  }

  speak();
  return { speak, close: () => { closed = true; end(); clearTimeout(timer); clearTimeout(asked); } };
}

// Puts content in place of the old, which keeps its scrolling and the focus.
function replaced(place, content) {
  const old = place.firstElementChild;
  if (!old?.classList.contains("scroll")) return void place.replaceChildren(content);
  old.setAttribute("aria-label", content.getAttribute("aria-label"));
  old.replaceChildren(...content.childNodes);
}

function grouped(samples) {
  const groups = new Map();
  for (const one of samples) groups.set(one.step, [...(groups.get(one.step) ?? []), one]);
  return groups;
}
