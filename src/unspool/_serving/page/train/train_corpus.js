// The first half of the page Train: a text is dropped, chosen or pasted, and what was read in it is shown.

import { bytesInWords, field, offer, say, textName, worded } from "./train_parts.js";
import { make } from "./symbols.js";
import { number, word } from "./words.js";

const ACCEPTED = ".txt,.text,.md,.csv,.tsv,.tab,.jsonl,.ndjson,.json,.parquet,.pq,.feather,.arrow,.gz";
const ENCODINGS = ["gb18030", "big5", "shift_jis", "euc-kr", "cp1252", "cp1251", "utf-16"];
const MOST_CELLS = 8;  // columns of the table that are shown

// A text that is chosen; it tells by `changed` when it is another one, or is read in another way.
export class Corpus extends EventTarget {
  read = null;  // what the server said of it
  limit = Infinity;  // bytes that may be sent
  wishes = {};  // how it is to be read, as far as the user said so

  constructor(api) {
    super();
    this.api = api;
    this.taking = this.takingSection();
    this.reading = this.readingSection();
  }

  // Draws where a text is dropped, chosen or pasted.
  takingSection() {
    this.file = make("input", { type: "file", accept: ACCEPTED, className: "aloud", tabIndex: -1, "aria-hidden": "true" });
    const choose = worded("button", "trainChoose", { type: "button", className: "main", id: "train-choose" });
    const paste = worded("button", "trainPaste", { type: "button", id: "train-paste" });
    this.drop = make("div", { className: "drop" }, worded("p", "trainDrop", { className: "drop-words" }),
      make("p", { className: "actions" }, choose, paste), worded("p", "trainFormats", { className: "note" }), this.file);
    this.pasted = make("textarea", { rows: 8, spellcheck: false, dir: "auto" });
    const readIt = worded("button", "trainReadIt", { type: "submit", className: "main" });
    const cancel = worded("button", "trainCancel", { type: "button" });
    this.pasting = make("form", { className: "pasting", hidden: true },
      field("train-pasted", "trainPasted", this.pasted, { note: worded("p", "trainPastedHint", { className: "note" }) }),
      make("p", { className: "actions" }, readIt, cancel));
    this.status = make("p", { className: "note", role: "status", hidden: true, id: "train-status" });
    this.halt = worded("button", "trainCancel", { type: "button", className: "quiet", hidden: true });
    this.wrong = make("p", { className: "wrong", role: "alert", hidden: true, id: "train-wrong" });
    choose.addEventListener("click", () => this.file.click());
    paste.addEventListener("click", () => this.paste(true));
    cancel.addEventListener("click", () => this.paste(false));
    this.halt.addEventListener("click", () => this.sending?.abort());
    this.file.addEventListener("change", () => this.takeFiles(this.file.files));
    this.pasting.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.pasted.value.trim() === "") say(this.wrong, word("trainNothingPasted"));
      else this.send(this.pasted.value, "", word("trainPastedName"));
    });
    this.listenToDrops();
    return make("section", { "aria-labelledby": "train-text-title" },
      worded("h2", "trainText", { id: "train-text-title" }), this.drop, this.pasting,
      make("div", { className: "waiting" }, this.status, this.halt), this.wrong);
  }

  listenToDrops() {
    let depth = 0;
    const over = (within) => {
      depth = within ? depth + 1 : Math.max(0, depth - 1);
      this.drop.classList.toggle("over", depth > 0);
    };
    this.drop.addEventListener("dragenter", () => over(true));
    this.drop.addEventListener("dragleave", () => over(false));
    for (const kind of ["dragover", "drop"])  // beside the field too, or the browser would leave the page
      addEventListener(kind, (event) => { if (!this.drop.closest("[hidden]")) event.preventDefault(); });
    this.drop.addEventListener("drop", (event) => {
      depth = 0;
      this.drop.classList.remove("over");
      const { files } = event.dataTransfer, text = event.dataTransfer.getData("text/plain");
      if (files.length) this.takeFiles(files);
      else if (text) this.send(text, "", word("trainPastedName"));
    });
  }

  paste(open) {
    this.pasting.hidden = !open;
    this.drop.hidden = open;
    say(this.wrong, "");
    if (open) this.pasted.focus();
    else this.drop.querySelector("#train-paste").focus();
  }

  takeFiles(files) {
    const [file] = files;
    if (file !== undefined) this.send(file, file.name, file.name, files.length > 1 ? word("trainOneFile") : "");
    this.file.value = "";  // so that the same file can be chosen again, once it was mended
  }

  // Sends a text to the server, which answers with what it reads in it.
  async send(content, name, shown, remark = "") {
    const size = typeof content === "string" ? new Blob([content]).size : content.size;
    if (size > this.limit) {
      say(this.wrong, word("trainTooLarge", shown, bytesInWords(size), bytesInWords(this.limit)));
      return;
    }
    this.wishes = {};
    const query = new URLSearchParams({ name });
    const read = await this.asking(word("trainSending", shown), (signal) =>
      this.api.send("POST", `/api/corpora?${query}`, content, { signal, headers: { "content-type": "application/octet-stream" } }));
    if (read === null) return;
    this.pasting.hidden = true;
    this.drop.hidden = false;
    this.pasted.value = "";
    this.take(read);
    if (remark) say(this.status, remark);
    this.title.focus();
  }

  // Asks the server to read the text again, by other wishes.
  async again() {
    const query = new URLSearchParams(this.wishes);
    const read = await this.asking(word("trainSending", textName(this.read.name)), (signal) =>
      this.api.get(`/api/corpora/${this.read.id}?${query}`, { signal }));
    if (read !== null) this.take(read);
  }

  // Waits for the server; returns null if it refuses, which is said, or if something else is asked meanwhile.
  async asking(words, ask) {
    this.sending?.abort();
    const mine = this.sending = new AbortController();
    say(this.wrong, "");
    say(this.status, words);
    this.halt.hidden = false;
    try {
      return await ask(mine.signal);
    } catch (error) {
      if (error.name !== "AbortError") say(this.wrong, error.message);
      return null;
    } finally {
      if (this.sending === mine) {
        say(this.status, "");
        this.halt.hidden = true;
      }
    }
  }

  take(read) {
    this.read = read;
    this.draw();
    this.dispatchEvent(new Event("changed"));
  }

  // Draws what was read; it is filled by `draw`.
  readingSection() {
    this.title = worded("h2", "trainRead", { id: "train-read-title", tabIndex: -1 });
    this.counts = make("p", { className: "counts", id: "train-counts" });
    this.problem = make("p", { className: "wrong", role: "alert", hidden: true, id: "train-problem" });
    const select = (name, wish) => {
      const control = make("select");
      control.addEventListener("change", () => {
        if (control.value === "") delete this.wishes[wish];
        else this.wishes[wish] = control.value;
        this.again();
      });
      return control;
    };
    this.because = make("p", { className: "note" });
    this.column = select("column", "column");
    this.readAs = select("document", "document");
    this.header = select("header", "header");
    this.encoding = select("encoding", "encoding");
    this.fields = {
      column: field("train-column", "trainColumn", this.column, { note: this.because }),
      readAs: field("train-read-as", "trainReadAs", this.readAs),
      header: field("train-header", "trainHeader", this.header),
      encoding: field("train-encoding", "trainEncoding", this.encoding),
    };
    this.rows = make("div", { className: "rows", tabIndex: 0, role: "region" });
    this.remarks = make("ul", { className: "note remarks", lang: "en" });
    this.notes = make("details", {}, make("summary"), this.remarks);
    return make("section", { hidden: true, "aria-labelledby": "train-read-title", id: "train-read" }, this.title, this.counts,
      this.problem, make("div", { className: "dials" }, ...Object.values(this.fields)), this.rows, this.notes);
  }

  draw() {
    const { read } = this;
    this.reading.hidden = read === null;
    this.drop.classList.toggle("small", read !== null);
    this.drop.firstElementChild.dataset.word = read === null ? "trainDrop" : "trainDropOther";
    this.drop.firstElementChild.textContent = word(this.drop.firstElementChild.dataset.word);
    if (read === null) return;
    const fine = read.problem === undefined;
    say(this.problem, read.problem ?? "");
    this.counts.replaceChildren(make("strong", { textContent: textName(read.name), dir: "auto" }), fine ? ` ${this.countsInWords()}` : "");
    this.drawFields(fine);
    this.rows.hidden = !fine;
    if (fine) this.rows.replaceChildren(this.table());
    this.drawNotes();
  }

  countsInWords() {
    const { texts, characters, symbols, document: whole, complete } = this.read;
    const counts = whole && texts === 1 ? word("trainDocument", number(characters), number(symbols))
      : word("trainCounts", number(texts), number(characters), number(symbols));
    return complete ? counts : word("trainBeginning", counts);
  }

  drawFields(fine) {
    const { read, fields } = this, columns = read.columns ?? [];
    const has = {
      column: fine ? columns.length > 1 : this.wishes.column !== undefined,
      readAs: fine && read.format === "text",
      header: fine && read.header !== null,
      encoding: !fine || this.wishes.encoding !== undefined,
    };
    for (const [name, element] of Object.entries(fields)) element.hidden = !has[name];
    if (columns.length) offer(this.column, columns.map((name) => [name, this.nameOf(name)]), read.column);
    say(this.because, fine && read.column_because ? word(`trainBecause_${read.column_because}`) : "");
    offer(this.readAs, [["false", word("trainLines")], ["true", word("trainWhole")]], String(read.document));
    offer(this.header, [["true", word("trainHeaderYes")], ["false", word("trainHeaderNo")]], String(read.header));
    offer(this.encoding, [["", word("trainEncodingAuto")], ...ENCODINGS.map((name) => [name, name])], this.wishes.encoding ?? "");
  }

  // Returns what a column is called: its name, or its number from 1.
  nameOf(column) {
    return this.read.header === false ? word("trainColumnNumber", Number(column) + 1) : column;
  }

  // Returns the first rows as a table, or the first texts as a list.
  table() {
    const { read } = this;
    this.rows.setAttribute("aria-label", word(read.columns.length ? "trainRows" : "trainFirst", textName(read.name)));
    if (!read.columns.length) {
      const tag = read.document ? "blockquote" : "li";
      const texts = read.rows.map(([text]) => make(tag, { textContent: text, dir: "auto" }));
      return read.document ? texts[0] : make("ol", {}, ...texts);
    }
    const place = read.columns.indexOf(read.column);
    const shown = [...read.columns.keys()].filter((at) => at < MOST_CELLS || at === place);
    const classOf = (at) => (at === place ? "chosen" : "");
    const head = shown.map((at) => make("th", { scope: "col", className: classOf(at), textContent: this.nameOf(read.columns[at]) }));
    const rest = read.columns.length - shown.length;
    const body = read.rows.map((row) =>
      make("tr", {}, ...shown.map((at) => make("td", { className: classOf(at), textContent: row[at] ?? "", dir: "auto" }))));
    const caption = make("caption", { className: rest ? "note" : "aloud", textContent: rest ? word("trainMoreColumns", number(rest)) : word("trainRows", textName(read.name)) });
    return make("table", {}, caption, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  }

  drawNotes() {
    const { read } = this, notes = (read.notes ?? []).map(({ sentence, warning }) => [sentence, warning]);
    if (read.format === "text" && read.how && this.wishes.document === undefined) notes.push([read.how, false]);
    if (read.normalized) notes.unshift([word("trainNormalized", number(read.normalized), read.normalization), false]);
    this.notes.hidden = notes.length === 0;
    this.notes.open = notes.some(([, warning]) => warning);
    this.notes.querySelector("summary").textContent = word("trainNotes", number(notes.length));
    this.remarks.replaceChildren(...notes.map(([textContent]) => make("li", { textContent })));
  }
}
