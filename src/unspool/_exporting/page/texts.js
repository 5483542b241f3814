// The texts: an article for each, which grows while it is written.

import { byId, copied, make } from "./symbols.js";
import { number, word } from "./words.js";

export class Texts {
  texts = [];

  // Makes room for some texts that begin alike.
  begin(count, prompt, measure) {
    byId("texts").setAttribute("aria-busy", "true");
    this.texts = Array.from({ length: count }, (_, i) => this.article(i, prompt, measure));
    byId("texts").replaceChildren(...this.texts.map(({ element }) => element));
  }

  article(index, prompt, measure) {
    const data = document.createTextNode(""), end = make("span", { className: "end" });
    const body = make("p", { className: "text", dir: "auto" }, make("span", { className: "given", textContent: prompt }), data, end);
    const one = { data, end, text: prompt };
    const copy = make("button", { type: "button", className: "quiet" });
    const colour = make("button", { type: "button", className: "quiet" });
    copy.addEventListener("click", async () => note(await copied(one.text)));
    colour.addEventListener("click", () => measure(one.text));
    one.element = make("article", { className: "growing" }, body, make("p", { className: "tools" }, colour, copy));
    Object.assign(one, { copy, colour, index });
    this.name(one);
    return one;
  }

  name({ copy, colour, element, index }) {
    const place = number(index + 1);
    element.setAttribute("aria-label", word("textNumber", place));
    for (const [button, short, long] of [[copy, "copy", "copyText"], [colour, "measure", "measureText"]]) {
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

  // Shows the texts as they are in the end; null if they came to none.
  finish(results) {
    this.texts.forEach((one, index) => {
      one.element.classList.remove("growing");
      if (results === null) return;
      const { text, prompt, continuation, finishReason } = results[index];
      if (one.data.data !== continuation) one.data.data = continuation;
      one.element.querySelector(".given").textContent = prompt;
      one.text = text;
      const mark = { length: ["…", word("cut")], blocked: ["⊘", word("blocked")] }[finishReason];
      if (mark) Object.assign(one.end, { textContent: mark[0], title: mark[1] });
    });
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
