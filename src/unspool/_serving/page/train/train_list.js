// The trainings that were begun here: how they fare, what they wrote last, and what can be done with them.

import { minutesInWords, say, secondsInWords, textName, worded } from "./train_parts.js";
import { hashOf } from "./route.js";
import { make } from "./symbols.js";
import { number, word } from "./words.js";

const OFTEN = 1500, SELDOM = 8000;  // milliseconds between two looks, while something runs and else

export class Trainings {
  cards = new Map();  // name -> card
  timer = null;
  shown = false;

  constructor(api) {
    this.api = api;
    this.none = worded("p", "trainNone", { className: "note" });
    this.list = make("div");
    this.said = make("p", { className: "aloud", role: "status" });
    this.section = make("section", { className: "jobs", "aria-labelledby": "train-list-title" },
      worded("h2", "trainList", { id: "train-list-title" }), this.none, this.list, this.said);
  }

  // Looks now, and again and again while the page is shown.
  async look() {
    clearTimeout(this.timer);
    let pause = SELDOM;
    try {
      const { data } = await this.api.get("/api/trainings");
      this.take(data);
      if (data.some(({ running }) => running)) pause = OFTEN;
    } catch {  // the shell says that the server is gone
      pause = OFTEN;
    }
    clearTimeout(this.timer);
    if (this.shown) this.timer = setTimeout(() => (document.hidden ? this.later() : this.look()), pause);
  }

  later() {
    document.addEventListener("visibilitychange", () => this.look(), { once: true });
  }

  take(states) {
    const names = new Set(states.map(({ name }) => name));
    for (const [name, card] of this.cards)
      if (!names.has(name)) {
        card.element.remove();
        this.cards.delete(name);
      }
    states.forEach((state, place) => {
      if (!this.cards.has(state.name)) this.cards.set(state.name, new Card(this, state.name));
      const card = this.cards.get(state.name);
      card.take(state);
      if (this.list.children[place] !== card.element) this.list.insertBefore(card.element, this.list.children[place] ?? null);
    });
    this.none.hidden = states.length > 0;
  }

  // Shows a training that was begun just now.
  async begun(state) {
    await this.look();
    const card = this.cards.get(state.name);
    card?.title.focus();
    card?.element.scrollIntoView({ block: "nearest" });
  }

  speak() {
    for (const card of this.cards.values()) card.draw();
  }
}

// One training. Its elements stay while it changes, so that the focus stays too.
class Card {
  state = null;

  constructor(owner, name) {
    this.owner = owner;
    this.name = name;
    this.title = make("h3", { textContent: name, tabIndex: -1, dir: "auto" });
    this.origin = make("p", { className: "note job-origin", dir: "auto" });
    this.words = make("p", { className: "job-state" });
    this.bar = make("progress", { max: 1 });
    this.figures = make("p", { className: "note" });
    this.problem = make("p", { className: "wrong", lang: "en" });
    this.samples = make("div", { className: "job-samples" });
    this.write = worded("a", "trainWriteWith", { className: "job-link main", href: hashOf("write", { model: name }) });
    this.watch = worded("a", "trainWatch", { className: "job-link", href: hashOf("watch", { run: name }) });
    this.stop = make("button", { type: "button" });
    this.goOn = make("button", { type: "button" });
    this.remove = make("button", { type: "button", className: "quiet" });
    this.lines = make("pre", { lang: "en", tabIndex: 0 });
    this.log = make("details", {}, worded("summary", "trainLog"), this.lines);
    this.element = make("article", { className: "job" }, this.title, this.origin, this.words, this.bar, this.figures, this.problem,
      this.samples, make("p", { className: "actions" }, this.write, this.watch, this.stop, this.goOn, this.remove), this.log);
    this.stop.addEventListener("click", () => this.ask("DELETE", undefined, this.stop));
    this.remove.addEventListener("click", () => this.ask("DELETE", undefined, this.remove));
    this.goOn.addEventListener("click", () => this.ask("POST", this.state.state === "finished" ? { minutes: Math.min(1440, 2 * this.state.minutes) } : {}, this.goOn));
  }

  // Asks the server to do something with the training.
  async ask(method, body, button) {
    button.disabled = true;
    this.refusal = "";
    if (button === this.stop) this.stopping = true;
    this.draw();
    try {
      await this.owner.api.send(method, `/api/trainings/${encodeURIComponent(this.name)}`, body);
    } catch (error) {
      this.refusal = error.message;
      this.stopping = false;
    }
    button.disabled = false;
    await this.owner.look();
    if (this.element.isConnected) (button.hidden ? this.title : button).focus();
    this.draw();
  }

  take(state) {
    if (!state.running) this.stopping = false;
    const before = this.state?.state;
    this.state = state;
    this.draw();
    if (before !== undefined && before !== state.state) say(this.owner.said, word("trainSaid", this.name, word(`trainState_${state.state}`)));
  }

  draw() {
    const { state } = this;
    if (state === null) return;
    this.element.dataset.state = state.state;
    say(this.origin, word("trainFrom", textName(state.text), minutesInWords(state.minutes)));
    say(this.words, this.stopping ? word("trainStopping") : word(`trainState_${state.state}`));
    this.bar.hidden = !state.running;
    this.bar.setAttribute("aria-label", word("trainProgress", this.name));
    if (state.progress === null || state.state === "starting") this.bar.removeAttribute("value");
    else this.bar.value = state.progress;
    say(this.figures, this.figuresInWords());
    say(this.problem, this.refusal || state.problem || "");
    this.drawSamples();
    this.drawActions();
    this.log.hidden = state.log.length === 0;
    if (this.lines.textContent !== state.log.join("\n")) this.lines.textContent = state.log.join("\n");
  }

  figuresInWords() {
    const { bits, training_bits: learning, progress, seconds, state } = this.state, parts = [];
    const shown = (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    if (bits !== null) parts.push(word("trainBits", shown(bits)));
    else if (learning !== null) parts.push(word("trainBitsLearning", shown(learning)));
    if (state === "training" && progress > 0.02) parts.push(word("trainLeft", secondsInWords((seconds * (1 - progress)) / progress)));
    return parts.join(word("trainAnd"));
  }

  drawSamples() {
    const { samples } = this.state, key = JSON.stringify(samples);
    this.samples.hidden = samples.length === 0;
    if (this.drawn === key) return;
    this.drawn = key;
    this.samples.replaceChildren(worded("h4", "trainSamples"), ...samples.map(({ text, temperature }) => make("blockquote", { dir: "auto" },
      make("span", { textContent: text.length > 280 ? `${text.slice(0, 279)}…` : text || word("trainEmptySample") }),
      make("small", { textContent: word("trainTemperature", number(temperature)) }))));
  }

  drawActions() {
    const { running, has_model: written, can_resume: open, state, log } = this.state;
    this.write.hidden = !written;
    this.watch.hidden = state === "starting" || (state === "failed" && !written);
    this.stop.hidden = !running || state === "finishing";
    this.goOn.hidden = running || !(open || state === "finished");
    this.remove.hidden = running || written || log.length === 0;
    const words = { stop: "trainStop", goOn: state === "finished" ? "trainLonger" : "trainGoOn", remove: "trainRemove" };
    for (const [button, name] of Object.entries(words)) {
      this[button].textContent = word(name);
      this[button].setAttribute("aria-label", word("trainButton", word(name), this.name));
    }
    this.stop.disabled = Boolean(this.stopping);
    for (const link of [this.write, this.watch]) link.setAttribute("aria-label", word("trainButton", word(link.dataset.word), this.name));
  }
}
