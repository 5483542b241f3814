// A model of unspool in JavaScript: load it, write with it, see what may come next, and score a text.
//
// The same seed and index give the same text as `unspool sample` and `model.generate`.

import { contextRow, sourceIds, vectorOf } from "./conditions.js";
import { Counts } from "./counts.js";
import { Drawer } from "./draw.js";
import { PlainKernel, WasmKernel } from "./kernel.js";
import { MOST_ROWS, Network } from "./network.js";
import { checkedIndex, resolved } from "./options.js";
import { cut, withheld } from "./phrases.js";
import { freshSeed, streamOf } from "./random.js";
import { tensorOf } from "./tensors.js";
import { Tokenizer } from "./tokenizers.js";

const FORMAT = 1;

// Makes a model of what unspool exported. wasm: whether WebAssembly may be used where it is there.
export async function load(spec, { wasm = true } = {}) {
  if (spec?.format !== FORMAT) throw new Error(`expected a model in format ${FORMAT}, got ${spec?.format}`);
  const fast = wasm && spec.wasm ? await WasmKernel.compiled(spec.wasm) : null;
  return new Model(spec, fast ?? new PlainKernel());
}

export class Model {
  constructor(spec, kernel) {
    const tensors = Object.fromEntries(Object.entries(spec.tensors).map(([name, stored]) => [name, tensorOf(stored)]));
    this.name = spec.name;
    this.precision = spec.precision;
    this.cost = spec.cost;
    this.unspool = spec.unspool;
    this.attributes = spec.attributes;
    this.vectorSize = spec.vectorSize;
    this.defaults = spec.defaults;
    this.engine = kernel.name;
    this.tokenizer = new Tokenizer(spec.tokenizer);
    this.symbols = this.tokenizer.symbols;
    this.network = new Network({ ...spec.network, sourceVocabSize: null }, tensors, kernel);
    this.counts = spec.counts ? new Counts(spec.counts, spec.network.vocabSize) : null;
    this.takesSource = spec.sourceTokenizer !== null;
    if (!this.takesSource) return;
    this.sourceTokenizer = new Tokenizer(spec.sourceTokenizer);
    const config = { ...spec.network, vocabSize: spec.network.sourceVocabSize, contextSize: null, startSize: null };
    this.encoder = new Network(config, tensors, kernel, { prefix: "encoder.", output: false });
  }

  // Returns one text: {text, prompt, continuation, ids, logprobs, finishReason, stopReason}.
  generate(prompt = "", options = {}) {
    return this.writer([{ prompt }], options).run()[0];
  }

  // Yields one text token by token, each {piece, id, logprob}, and returns the whole result.
  *stream(prompt = "", options = {}) {
    const writer = this.writer([{ prompt }], options);
    while (!writer.done) yield* writer.advance(1).map(({ piece, id, logprob }) => ({ piece, id, logprob }));
    return writer.results[0];
  }

  // Returns a writer of several texts side by side. requests: a number of texts, or an object for each with
  // its prompt and whatever options are its own; text i has index i of the seed if it has no other.
  writer(requests, options = {}) {
    return new Writer(this, requests, options);
  }

  // Returns what may come after a text, the most probable first: [{id, symbol, probability}].
  nextSymbols(text, { top = 10, ...where } = {}) {
    const ids = [this.tokenizer.eosId, ...this.tokenizer.encode(text)];
    const rows = this.logprobs(ids, this.known(where), true), logprobs = rows[0];
    const order = Array.from(logprobs.keys()).slice(1).sort((a, b) => logprobs[b] - logprobs[a] || a - b);
    return order.slice(0, top ?? undefined).map((id) => ({ id, symbol: this.tokenizer.nameOf(id), probability: Math.exp(logprobs[id]) }));
  }

  // Returns the surprise of each symbol of a text and of its end: [{symbol, text, id, bits}].
  score(text, where = {}) {
    const ids = this.tokenizer.encode(text), eos = this.tokenizer.eosId;
    const rows = this.logprobs([eos, ...ids], this.known(where)), decoder = this.tokenizer.decoder();
    const scores = [...ids, eos].map((id, place) => ({
      symbol: this.tokenizer.nameOf(id), text: decoder.push(id), id, bits: -rows[place][id] / Math.LN2,
    }));
    if (ids.length) scores[ids.length - 1].text += decoder.end();
    return scores;
  }

  // Returns {state, offset}: what a context, a vector or a source makes of the start of a text.
  known({ context = null, vector = null, source = null } = {}) {
    const row = contextRow(this.attributes, context), numbers = vectorOf(this.vectorSize, vector);
    if (this.takesSource !== (source !== null))
      throw new RangeError(this.takesSource ? "source: expected a text, which the model answers" : "source: the model was trained without sources");
    const ids = source === null ? null : sourceIds(this.sourceTokenizer, source);
    return this.conditions({ row: row.length ? row : null, vector: numbers, source: ids });
  }

  // Returns the start of a text from numbers: a row of the context, a vector, the ids of a source.
  conditions({ row = null, vector = null, source = null }) {
    const offset = row === null ? null : this.network.offsetOf(row);
    return { state: source === null ? this.network.firstState(vector) : this.encoded(source), offset };
  }

  // Returns the state after a source.
  encoded(ids) {
    const { encoder } = this, zeros = new Float64Array(encoder.stateSize), state = zeros.slice();
    encoder.setState(0, zeros);
    for (const id of ids) {
      if (id === this.sourceTokenizer.eosId) encoder.setState(0, zeros);
      encoder.step(1, [id]);
    }
    encoder.getState(0, state);
    return state;
  }

  // Returns the log-probabilities after each id, or after the last one only; <eos> starts a text anew.
  logprobs(ids, { state, offset }, last = false) {
    const { network } = this, { kernel, config } = network, rows = [];
    const drawer = new Drawer(network, resolved({}), this.tokenizer);
    network.setState(0, state);
    network.setOffset(0, offset ?? new Float32Array(network.stride));
    ids.forEach((id, place) => {
      if (id === this.tokenizer.eosId) network.setState(0, state);
      network.step(1, [id]);
      if (last && place < ids.length - 1) return;
      this.mixCounts(0, ids, place + 1);
      const normaliser = drawer.normaliser(0);
      rows.push(Float32Array.from(kernel.numbers.subarray(network.logits, network.logits + config.vocabSize), (logit) => logit - normaliser));
    });
    return rows;
  }

  // Mixes the counts, if there are some, into the logits of a row that has read the first `count` ids of a text.
  mixCounts(row, ids, count) {
    const { kernel, logits, vocabWidth } = this.network;
    this.counts?.mix(kernel.numbers, logits + row * vocabWidth, ids, count);
  }
}

// One text that is being written.
class Text {
  // start: what is known of the text, as Model.known returns it; drawer: of its options.
  constructor(tokenizer, prompt, index, start, drawer) {
    this.tokenizer = tokenizer;
    this.drawer = drawer;
    this.options = drawer.options;
    this.stream = streamOf(this.options.seed, index);
    this.state = Float64Array.from(start.state);  // exact for the numbers of either kernel
    this.offset = start.offset;
    const ids = tokenizer.encode(prompt);
    this.prompt = ids.filter((id) => id < tokenizer.eosId);
    this.promptText = tokenizer.decode(ids);
    this.read = [tokenizer.eosId, ...ids];
    this.decoder = tokenizer.decoder();
    this.tail = drawer.forbidden?.after(tokenizer.letters(this.promptText)) ?? "";  // of the letters, for badWords
    this.stopTail = "";
    this.position = 0;
    this.written = [];
    this.logprobs = [];
    this.memory = {};
    this.finish = null;
    this.stopReason = null;
    this.continuation = "";
    this.pending = "";  // text that a stop string may still cut
    this.logprob = 0;
  }

  // Draws a token from the logits of a row, and returns what is new.
  draw(row, number) {
    const id = this.drawer.draw(row, this), { logprob } = this;
    if (id < 0) this.finish = "blocked";
    else {
      this.logprobs.push(logprob);
      this.note(id);
    }
    return { text: number, piece: this.piece(id), id: id < 0 ? null : id, logprob, finishReason: this.finish };
  }

  // Takes note of a token, and of whether it is the last.
  note(id) {
    if (id === this.tokenizer.eosId) {
      this.finish = "stop";
      return;
    }
    this.written.push(id);
    this.read.push(id);
    const letters = this.tokenizer.spellings[id], { forbidden, stop } = this.drawer;
    if (forbidden) this.tail = forbidden.after(this.tail + letters);
    if (stop && this.stopped(letters)) this.finish = "stop string";
    else if (this.written.length === this.options.maxNewTokens) this.finish = "length";
  }

  // Returns whether a stop string ends the text.
  stopped(letters) {
    const { stop } = this.drawer, complete = stop.completed(this.stopTail, letters);
    this.stopTail = complete ? "" : stop.after(this.stopTail + letters);
    return complete && this.written.length >= this.options.minTokens;
  }

  // Returns the text that is certain after a token: without what a stop string may still cut.
  piece(id) {
    const { stops } = this.drawer;
    this.pending += id < 0 || id === this.tokenizer.eosId ? "" : this.decoder.push(id);
    if (this.finish !== null) this.pending += this.decoder.end();
    if (this.finish === "stop string") {
      const last = this.tokenizer.decode([id]);
      const done = cut(this.pending, stops, this.pending.length - last.length, this.options.includeStop);
      this.pending = done.text;
      this.stopReason = done.phrase;
      this.finish = "stop";
    }
    const kept = this.finish === null && stops.length ? withheld(this.pending, stops) : 0;
    const piece = kept ? this.pending.slice(0, -kept) : this.pending;
    this.pending = kept ? this.pending.slice(-kept) : "";
    this.continuation += piece;
    return piece;
  }

  get result() {
    const { promptText: prompt, continuation, written: ids, logprobs, finish, stopReason } = this;
    return { text: prompt + continuation, prompt, continuation, ids, logprobs, finishReason: finish, stopReason };
  }
}

// Several texts side by side: each step reads or draws a token of every text that has not ended.
export class Writer {
  constructor(model, requests, options) {
    const several = typeof requests === "number" ? Array.from({ length: requests }, () => ({})) : requests;
    const seed = options.seed ?? model.defaults.seed ?? freshSeed(), first = options.index ?? 0;
    const planOf = (own, index) => {
      const all = resolved(own, { ...options, seed, index }, model.defaults);
      return { all, start: model.known(all), drawer: new Drawer(model.network, all, model.tokenizer) };
    };
    let shared = null;  // by the texts without options of their own
    this.model = model;
    this.network = model.network;
    this.texts = several.map((one, i) => {
      const { prompt = "", ...own } = typeof one === "string" ? { prompt: one } : one;
      const index = checkedIndex(own.index ?? first + i), alone = Object.keys(own).some((name) => name !== "index");
      const plan = alone ? planOf(own, index) : (shared ??= planOf({}, first));
      return new Text(model.tokenizer, prompt, index, plan.start, plan.drawer);
    });
  }

  get done() {
    return this.texts.every((text) => text.finish !== null);
  }

  // The result of each text, so far.
  get results() {
    return this.texts.map((text) => text.result);
  }

  // Returns the results of all texts, once they have ended.
  run() {
    this.draw(Infinity, null);
    return this.results;
  }

  // Draws up to `tokens` tokens of each text; returns them as [{text, piece, id, logprob, finishReason}]; text is
  // its number. finishReason is null before the end.
  advance(tokens = 1) {
    const drawn = [];
    this.draw(tokens, drawn);
    return drawn;
  }

  draw(tokens, drawn) {
    const going = this.texts.flatMap((text, number) => (text.finish === null ? [{ text, number, left: tokens }] : []));
    for (let first = 0; first < going.length; first += MOST_ROWS)
      this.drawRows(going.slice(first, first + MOST_ROWS), drawn);
  }

  drawRows(rows, drawn) {
    const { network } = this, ids = new Int32Array(rows.length), none = new Float32Array(network.stride);
    for (let row = 0; row < rows.length; ++row) {
      network.setState(row, rows[row].text.state);
      network.setOffset(row, rows[row].text.offset ?? none);
    }
    while (rows.length) {
      for (let row = 0; row < rows.length; ++row) ids[row] = rows[row].text.read[rows[row].text.position];
      network.step(rows.length, ids);
      for (let row = rows.length - 1; row >= 0; --row) this.after(rows, row, drawn);
    }
  }

  // Draws a token of a row if it has read all before it, and takes the row away once it has done its part.
  after(rows, row, drawn) {
    const { network } = this, one = rows[row], { text } = one;
    if (++text.position < text.read.length) return;
    this.model.mixCounts(row, text.read, text.position);
    const news = text.draw(row, one.number);
    if (drawn) drawn.push(news);
    if (--one.left > 0 && text.finish === null) return;
    network.getState(row, text.state);
    const last = rows.pop();
    if (last === one) return;
    network.move(rows.length, row);
    rows[row] = last;
  }
}
