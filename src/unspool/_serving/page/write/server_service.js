// The server in the place of the engine: answers what the page asks a Service, by the API.

import { ApiError } from "./api.js";
import { bodyOf, camelCase, whereIn } from "./request.js";
import { Reveal } from "./reveal.js";

const BYTE = /^\\x([0-9a-f]{2})$/;  // a byte that is no character of its own
const NEUTRAL = { minTokens: 0, presencePenalty: 0, frequencyPenalty: 0, repetitionPenalty: 1 };

export class ServerService {
  writing = null;  // the controller of the request that writes
  newest = new Map();  // path -> the controller of the newest question

  constructor(api, name) {
    Object.assign(this, { api, name });
  }

  // Returns a promise of the answer to a question, as Service has it.
  ask(type, question = {}, onPieces = null) {
    return this[type](question, onPieces);
  }

  stop() {
    this.writing?.abort();
  }

  async load() {
    const { unspool, ...rest } = await this.api.get(`/v1/models/${encodeURIComponent(this.name)}`);
    const own = Object.entries(unspool.defaults ?? {}).map(([name, value]) => [camelCase(name), value]);
    const used = own.filter(([name, value]) => value !== null && value !== false && value !== NEUTRAL[name]);
    return {
      name: rest.id,
      created: rest.created,
      symbols: unspool.symbols,
      parameters: unspool.parameters,
      defaults: Object.fromEntries(used),
      attributes: unspool.attributes,
      takesSource: unspool.takes_source,
      vectorSize: unspool.vector_size,
      noveltyIndex: Boolean(unspool.novelty_index),
    };
  }

  async next({ text, where, top }) {
    const { symbols } = await this.patiently("/v1/next", { model: this.name, prompt: text, top, ...whereIn(where) });
    return { symbols: symbols.map(([symbol, probability]) => ({ symbol, probability, ...meaning(symbol) })) };
  }

  async score({ text, where }) {
    const body = { model: this.name, input: text, detail: true, ...whereIn(where) };
    const { data: [{ symbols }] } = await this.patiently("/v1/score", body);
    return { symbols: withTexts(symbols, text) };
  }

  // Asks what can wait until the server is there again; a newer question ends an older one.
  async patiently(path, body) {
    this.newest.get(path)?.abort();
    const controller = new AbortController(), { signal } = controller;
    this.newest.set(path, controller);
    for (;;) {
      try {
        return await this.api.post(path, body, { signal });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 0) throw error;
        await this.api.returned(signal);
      }
    }
  }

  // Writes texts; what has been written when the server breaks off, or the user stops it, is kept.
  async write(question, onPieces) {
    const body = bodyOf(this.name, question), began = performance.now();
    const { signal } = (this.writing = new AbortController());
    const texts = question.requests.map(({ prompt }) => ({ prompt, continuation: "", finishReason: null, copied: [] }));
    const reveal = new Reveal(question.pace, onPieces, signal);
    let tokens = null, seconds = 0, failure = null;
    try {
      const asked = { ...body, stream: true, stream_options: { include_usage: true } };
      if (question.marked) asked.mark_copied = true;
      for await (const { choices, usage } of this.api.stream("/v1/completions", asked, { signal })) {
        for (const choice of choices) take(texts[choice.index], choice, reveal);
        if (usage) tokens = usage.completion_tokens;
        seconds = (performance.now() - began) / 1000;
      }
    } catch (error) {
      if (!signal.aborted && texts.every(({ continuation }) => continuation === "")) {
        reveal.close();
        throw error;
      }
      failure = signal.aborted ? null : error;
    }
    const shown = await reveal.finished();
    texts.forEach((one, index) => { one.text = one.prompt + (one.continuation = shown(index, one.continuation)); });
    const stopped = signal.aborted || failure !== null;
    const results = texts.map((one) => (stopped || one.finishReason !== null ? one : null));
    tokens ??= texts.reduce((sum, { continuation }) => sum + Array.from(continuation).length, 0);
    return { results, tokens, seconds, stopped, failure };
  }
}

function take(text, { index, text: piece, finish_reason: reason, copied }, reveal) {
  if (piece) {
    text.continuation += piece;
    reveal.add(index, piece);
  }
  if (reason) text.finishReason = reason;
  if (copied) {  // counted from where the beginning ends
    const first = Array.from(text.prompt).length;
    text.copied = copied.map((span) => span.map((place) => place + first));
  }
}

// Returns [[symbol, bits], …] with the text of each; the last byte of a character has all of it, and an unknown word
// is what stands before the next symbol that is known.
function withTexts(symbols, whole) {
  const bytes = new TextDecoder();
  let at = 0;
  return symbols.map(([symbol, bits], i) => {
    const { spelling, means } = meaning(symbol), byte = BYTE.exec(symbol);
    let text = byte ? bytes.decode(Uint8Array.of(parseInt(byte[1], 16)), { stream: true }) : spelling ?? "";
    if (means === "unknown") {
      const next = symbols[i + 1] && meaning(symbols[i + 1][0]).spelling, end = next ? whole.indexOf(next, at + 1) : -1;
      text = whole.slice(at, end < 0 ? whole.length : end);
    }
    at += text.length;
    return { symbol, bits, text };
  });
}

// Returns what a symbol of the server adds to a text, null for nothing, and what it means if it is no text.
function meaning(symbol) {
  if (symbol === "<eos>") return { spelling: null, means: "ends" };
  if (symbol === "<unk>") return { spelling: null, means: "unknown" };
  return { spelling: BYTE.test(symbol) ? null : symbol, means: null };
}
