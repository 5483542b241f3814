// Verdict, audit and advice in words.

import { hashOf } from "./route.js";
import { bits } from "./watch_chart.js";
import { currentLanguage, number, percent, word } from "./words.js";

// Returns the verdict on a run; in English as the command line says it.
export function fitSentence(fit) {
  if (currentLanguage() === "en") return `${fit.sentence}.`;
  const figure = (value) => (value === null ? word("watchUnset") : bits(value));
  return `${word(`watchFit_${fit.verdict}`, { since: fit.since_epoch, training: figure(fit.training), heldOut: figure(fit.held_out), noise: figure(fit.noise) })}。`;
}

// Returns the sentences of an audit; its first is about the fit, which stands elsewhere.
export function auditSentences(audit) {
  const verdict = audit.verdict === null ? [] : [word(`watchAudit_${audit.verdict}`) ?? audit.verdict];
  if (currentLanguage() === "en") return [...verdict, ...audit.sentences.filter((one) => !/^(Good fit|Fit unknown|Overfitting|Underfitting)/.test(one))];
  const spans = audit.median === null ? [] : [word("watchAuditSpans", number(audit.median), audit.held_out_median === null ? null : number(audit.held_out_median))];
  return [...verdict, ...spans, word("watchAuditExact", percent(audit.verbatim_share))];
}

// Returns what to do next: words, a command or null, and a link or null.
export function adviceOf(run) {
  const { state, fit, commands } = run, advice = [], say = (name, command = null, ...filling) => advice.push([word(`watchDo_${name}`, ...filling), command, null]);
  if (state === "broken") say("broken");
  if (state === "stopped" && run.resumable) {
    if (run.saved_step) say("resume", commands.resume, number(run.saved_step)); else say("restart", commands.resume);
    if (run.saved_step && run.step > run.saved_step) say("lost", null, number(run.step - run.saved_step));
  }
  if (state === "training") say(fit?.verdict === "overfitting" ? "enough" : "wait");
  if (state === "finished" && fit) {
    if (fit.verdict === "underfitting" && run.resumable && commands.more) say("more", commands.more);
    if (fit.verdict === "underfitting") say("larger");
    if (fit.verdict === "overfitting") say("less");
    if (fit.verdict === "fitting") say("good");
  }
  if (run.piped && advice.some(([, command]) => command)) say("piped");
  if (fit?.verdict === "unknown" && state !== "training") say("hold");
  if (run.audit?.verdict === "copying" && !run.audit.stale) say("copies");
  const desk = run.name.includes("/") ? null : [word("watchDo_desk"), hashOf("write", { model: run.name })];
  if (run.has_model && state !== "broken") advice.push([word("watchDo_write"), commands.sample, desk]);
  return advice;
}
