// The desk of a model: that of the exported page, with what a server adds.

import { ApiError } from "./api.js";
import { beginningOf } from "./beginning.js";
import { buildCall, showCall } from "./call.js";
import { buildDemands, demandFields, demandsOf, labelDemands } from "./demands.js";
import { clearField, showAtField } from "./field_errors.js";
import { linkOf } from "./link.js";
import { mark, shareOf } from "./marks.js";
import { Page } from "./page.js";
import { bodyOf } from "./request.js";
import { byId, make } from "./symbols.js";
import { note } from "./texts.js";
import { currentLanguage, explained, number, percent, word } from "./words.js";

const LONG = 250;  // symbols; from there on texts stand side by side
const VERSION = document.querySelector('meta[name="generator"]')?.content.split(" ")[1] ?? "";

export class Desk extends Page {
  build() {
    super.build();
    buildDemands(this.model, byId("more"));
    buildCall(byId("texts"), note);
    const earlier = make("button", { type: "button", className: "quiet", id: "earlier", hidden: true });
    earlier.dataset.word = "earlier";
    earlier.addEventListener("click", () => this.begin(this.before, null));
    byId("hint").after(earlier);
    const tick = make("label", { className: "tick", id: "copied-field", hidden: !this.model.noveltyIndex },
      make("input", { type: "checkbox", id: "mark-copied", checked: true }), " ", make("span"));
    tick.lastChild.dataset.word = "markCopied";
    tick.addEventListener("change", () => byId("texts").classList.toggle("unmarked", !byId("mark-copied").checked));
    byId("copy-all").before(tick);
    byId("status").after(make("p", { className: "note", id: "copied-note" }));
  }

  fields() {
    return [...super.fields(), ...demandFields()];
  }

  tools() {
    return [
      ["goOn", "goOnText", (one) => this.goOn(one.text)],
      ["like", "likeText", (one) => this.more(beginningOf(one.text, one.prompt))],
      ...super.tools(),
    ];
  }

  link() {
    return linkOf(this.fields(), this.usual, `/write&model=${encodeURIComponent(this.spec.name)}&`);
  }

  language() {
    return currentLanguage();
  }

  speak(language) {
    super.speak(language);
    labelDemands();
    this.showCopied();
    if (this.body) showCall(this.body);
  }

  question() {
    const question = { ...super.question(), demands: demandsOf(), marked: this.model.noveltyIndex };
    const { requests, options } = question;
    this.body = bodyOf(this.service.name, question);
    byId("texts").classList.toggle("beside", requests.length > 1 && options.maxNewTokens > LONG);
    byId("call").dataset.keyed = this.service.api.key === "" ? "" : "yes";
    return question;
  }

  async write(fresh) {
    if (this.writing) return;
    clearField();
    this.copied = null;
    this.showCopied();
    await super.write(fresh);
  }

  // Sets the beginning, and remembers the one before it; null for none.
  begin(beginning, before) {
    byId("prompt").value = beginning;
    this.before = before;
    byId("earlier").hidden = before === null;
    this.next();
  }

  more(beginning) {
    if (this.writing) return;
    this.begin(beginning, this.before ?? byId("prompt").value);
    this.write(true);
  }

  goOn(text) {
    this.more(text);
  }

  report(answer) {
    const results = answer.results.filter(Boolean), wanted = answer.results.length;
    super.report({ ...answer, results });
    if (answer.failure) this.failed(new Error(word("broken", answer.failure.message)));
    else if (results.length < wanted) byId("status").append(` ${word("fewer", number(results.length), number(wanted))}`);
    this.copied = this.model.noveltyIndex ? results : null;
    showCall(this.body);
  }

  failed(error) {
    byId("status").textContent = word("failed", explained(error));
    byId("status").classList.add("wrong");
    if (error instanceof ApiError) showAtField(error);
  }

  busy(writing) {
    super.busy(writing);
    if (writing) return;
    this.texts.texts.forEach((one, index) => {
      if (this.copied) mark(one, this.copied[index].copied);
      one.buttons[0][0].hidden = one.end.textContent !== "…";  // only who was cut goes on
    });
    this.showCopied();
  }

  showCopied() {
    const share = this.copied ? shareOf(this.copied) : 0;
    byId("copied-note").textContent = !this.copied?.length ? "" : share ? word("copiedShare", percent(share)) : word("copiedNone");
    for (const one of byId("texts").querySelectorAll("mark")) one.title = word("copiedSpan");
  }

  facts() {
    const { name, symbols, parameters } = this.model;
    return [
      make("bdi", { textContent: name }),
      word("symbols", number(symbols)),
      word("parameters", number(parameters)),
      word("serverEngine"),
      `unspool ${VERSION}`,
    ];
  }
}
