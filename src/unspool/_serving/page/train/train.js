// The page Train: a text, what was read in it, how long, the button; beside it the trainings.

import "./train_words.js";
import { Corpus } from "./train_corpus.js";
import { Trainings } from "./train_list.js";
import { say, worded } from "./train_parts.js";
import { Plan } from "./train_plan.js";
import { make } from "./symbols.js";

class Train {
  constructor(root, api) {
    this.api = api;
    this.corpus = new Corpus(api);
    this.plan = new Plan(api, this.corpus);
    this.trainings = new Trainings(api);
    this.refused = make("p", { className: "wrong", role: "alert", hidden: true });
    this.sheet = make("div", { className: "sheet" }, this.corpus.taking, this.corpus.reading, this.plan.section);
    this.plan.addEventListener("begun", ({ detail }) => this.trainings.begun(detail));
    root.replaceChildren(worded("h1", "trainTitle"), this.refused, make("div", { className: "train" }, this.sheet, this.trainings.section));
    api.addEventListener("back", () => this.trainings.shown && this.trainings.look());
  }

  // Asks whether this server trains at all, and how large a text may be.
  async shown() {
    this.trainings.shown = true;
    try {
      const { limits } = await this.api.get("/api/trainings");
      this.corpus.limit = limits.upload;
      say(this.refused, "");
      this.sheet.hidden = false;
    } catch (error) {
      if (error.code === "no_trainings") {
        say(this.refused, error.message);
        this.sheet.hidden = this.trainings.section.hidden = true;
        return;
      }
      if (error.status === 401) throw error;  // the shell says what to do
    }
    await this.trainings.look();
  }

  hidden() {
    this.trainings.shown = false;
    clearTimeout(this.trainings.timer);
  }

  speak() {
    this.corpus.draw();
    this.plan.speak();
    this.trainings.speak();
  }
}

export function start(root, api) {
  return new Train(root, api);
}
