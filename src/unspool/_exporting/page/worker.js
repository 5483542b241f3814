// Beside the engine in a worker, or in the page where there are no workers: answers the questions of the page. It
// writes in slices, between which it hears that it is to stop.

const SLICE = 30;  // milliseconds
const FRAME = 16;
const RARELY = 120;  // milliseconds between two reports of what is written as fast as it goes

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Returns a function that takes a message {id, type, …}; answers go to `post`, as {id, type, …}.
export function serve(post) {
  let model = null, writing = null;
  const kinds = {
    async load({ spec, wasm }) {
      model = await load(spec, { wasm });
      const { engine, symbols, tokenizer, defaults, attributes, takesSource, vectorSize } = model;
      const { bytes, eosId, kind } = tokenizer;
      return { engine, symbols, bytes, eosId, kind, defaults, attributes, takesSource, vectorSize };
    },
    next: ({ text, where, top }) => ({ symbols: model.nextSymbols(text, { top, ...where }).map((one) => spelled(model, one)) }),
    score: ({ text, where }) => ({ symbols: model.score(text, where) }),
    async write({ id, requests, options, pace }) {
      const began = performance.now(), writer = model.writer(requests, options);
      let busy = 0, steps = 0, tokens = 0, step = 1, unsaid = [], said = began;
      writing = id;
      while (!writer.done && writing === id) {
        const wanted = pace === null ? step : Math.ceil((pace * (performance.now() - began)) / 1000) - steps;
        const due = Math.min(step, wanted);  // who falls behind stays there, and does not stop hearing
        const start = performance.now(), drawn = due > 0 ? writer.advance(due) : [];
        const spent = performance.now() - start;
        busy += spent;
        steps += Math.max(0, due);
        tokens += drawn.length;
        if (due === step && spent < SLICE / 2) step *= 2;
        else if (spent > SLICE) step = Math.max(1, step >> 1);
        unsaid.push(...drawn);
        if (pace !== null || performance.now() - said > RARELY) {
          post({ id, type: "pieces", pieces: joined(unsaid) });
          [unsaid, said] = [[], performance.now()];
        }
        await pause(pace === null ? 0 : FRAME);
      }
      return { results: writer.results, tokens, seconds: busy / 1000, stopped: !writer.done };
    },
  };
  return async (message) => {
    if (message.type === "stop") {
      writing = null;
      return;
    }
    try {
      post({ id: message.id, type: "done", ...(await kinds[message.type](message)) });
    } catch (error) {
      post({ id: message.id, type: "failed", message: String(error?.message ?? error) });
    }
  };
}

// Returns a symbol with what it adds to a text, null for nothing, and what it means if it is no text.
function spelled({ symbols, tokenizer }, { id, symbol, probability }) {
  const { bytes, eosId } = tokenizer, spelling = bytes && id > 128 ? null : symbols[id];
  return { symbol, spelling, means: id === eosId ? "ends" : spelling === null && !bytes ? "unknown" : null, probability };
}

// Returns the pieces of each text as one: [[number of the text, piece], …].
function joined(drawn) {
  const pieces = new Map();
  for (const { text, piece } of drawn) pieces.set(text, (pieces.get(text) ?? "") + piece);
  return [...pieces];
}

if (typeof WorkerGlobalScope !== "undefined" && globalThis instanceof WorkerGlobalScope) {
  const receive = serve((answer) => postMessage(answer));
  addEventListener("message", (event) => receive(event.data));
}
