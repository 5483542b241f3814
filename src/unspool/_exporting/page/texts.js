// The texts: an article for each, which grows while it is written.

import { byId, make } from "./symbols.js";
import { number, word } from "./words.js";

export class Texts {
  texts = [];

  // Makes room for some texts that begin alike. `tools` are the buttons of each: [words, its name when read aloud, what
  // it does with {text, prompt, …}].
  begin(count, prompt = "", tools = []) {
    byId("texts").setAttribute("aria-busy", "true");
    this.texts = Array.from({ length: count }, (_, i) => this.article(i, prompt, tools));
    byId("texts").replaceChildren(...this.texts.map(({ element }) => element));
  }

  article(index, prompt, tools) {
    const data = document.createTextNode(""), end = make("span", { className: "end" });
    const body = make("p", { className: "text", dir: "auto" }, make("span", { className: "given", textContent: prompt }), data, end);
    const one = { data, end, body, prompt, text: prompt, index };
    one.buttons = tools.map(([short, long, use]) => {
      const button = make("button", { type: "button", className: "quiet" });
      button.addEventListener("click", () => use(one));
      return [button, short, long];
    });
    const row = make("p", { className: "tools" }, ...one.buttons.map(([button]) => button));
    one.element = make("article", { className: "growing" }, body, row);
    this.name(one);
    return one;
  }

  name({ buttons, element, index }) {
    const place = number(index + 1);
    element.setAttribute("aria-label", word("textNumber", place));
    for (const [button, short, long] of buttons) {
      button.textContent = word(short);
      button.setAttribute("aria-label", word(long, place));
    }
  }

  // Puts the words of another language beside the texts.
  speak() {
    this.texts.forEach((one) => this.name(one));
  }

  // Appends pieces: [[number of a text, piece], …].
  grow(pieces) {
    for (const [index, piece] of pieces) {
      this.texts[index].data.appendData(piece);
      this.texts[index].text += piece;
    }
  }

  // Shows the texts as they are in the end; null if they came to none, or for one that was not found.
  finish(results) {
    this.texts.forEach((one, index) => {
      one.element.classList.remove("growing");
      if (results === null) return;
      if (results[index] === null) {
        one.element.remove();
        return;
      }
      const { text, prompt, continuation, finishReason } = results[index];
      if (one.data.data !== continuation) one.data.data = continuation;
      one.element.querySelector(".given").textContent = prompt;
      one.text = text;
      const mark = { length: ["…", word("cut")], blocked: ["⊘", word("blocked")] }[finishReason];
      if (mark) Object.assign(one.end, { textContent: mark[0], title: mark[1] });
    });
    if (results !== null) this.texts = this.texts.filter((_, index) => results[index] !== null);
    byId("texts").removeAttribute("aria-busy");
  }

  get all() {
    return this.texts.map(({ text }) => text).join("\n");
  }

  // Hands the texts to the user as a file.
  download(name) {
    const url = URL.createObjectURL(new Blob([`${this.all}\n`], { type: "text/plain;charset=utf-8" }));
    const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 60);
    make("a", { href: url, download: `${safe}-${byId("seed").value}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}

export function note(done, words = word("copied")) {
  byId("status").textContent = done ? words : word("notCopied");
}
