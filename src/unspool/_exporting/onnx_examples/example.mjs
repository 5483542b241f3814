// Writes a text with the ONNX models beside this file, by onnxruntime-web:
//   npm install onnxruntime-web
//   node example.mjs "Today " 0          (a prompt and a seed)
// or in a browser: serve this folder (python -m http.server) and open example.html.
import * as ort from "onnxruntime-web";

const MASK = (1n << 64n) - 1n;
// A word, nearly as unspool splits it: letters of scripts without spaces stand alone.
const UNSPACED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}";
const WORD = new RegExp(
  `[${UNSPACED}]\\p{M}*|[\\p{L}\\p{N}_](?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}_]|['\u2019](?=[\\p{L}\\p{N}_]))*|[^]`,
  "gu",
);

// Returns number `number` of a random stream, 64 bits: SplitMix64 (Steele, Lea and Flood, 2014).
export function randomBits(stream, number) {
  let z = (stream + (BigInt(number) + 1n) * 0x9e3779b97f4a7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

// Whether symbols are spelled in letters that each stand for a byte.
function inBytes(tokenizer) {
  return ["bytes", "bpe"].includes(tokenizer.kind);
}

function letters(text) {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

// Returns the symbols 1, 2, …: with bytes, these before all others.
function spellings(tokenizer) {
  const symbols = tokenizer.symbols ?? [];
  if (!inBytes(tokenizer)) return symbols;
  return [...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)), ...symbols.map(letters)];
}

export function encode(tokenizer, text) {
  const normal = tokenizer.normalization ? text.normalize(tokenizer.normalization) : text;
  const symbols = spellings(tokenizer);
  const characters = [...(inBytes(tokenizer) ? letters(normal) : normal)];
  const pieces = tokenizer.kind === "word" ? (normal.match(WORD) ?? []) : longestSymbols(symbols, characters);
  return pieces.map((piece) => {
    const at = symbols.indexOf(piece);
    if (at < 0 && !tokenizer.unk) throw new Error(`the model does not know the symbol ${JSON.stringify(piece)}`);
    return (at < 0 ? symbols.length : at) + 1;
  });
}

// Cuts a text, given as its characters, into the longest symbols; an unknown character stands alone.
function longestSymbols(symbols, characters) {
  const known = new Set(symbols);
  const longest = symbols.reduce((most, symbol) => Math.max(most, [...symbol].length), 1);
  const pieces = [];
  for (let begin = 0, length; begin < characters.length; begin += length) {
    length = Math.min(longest, characters.length - begin);
    const piece = () => characters.slice(begin, begin + length).join("");
    while (length > 1 && !known.has(piece())) length--;
    pieces.push(piece());
  }
  return pieces;
}

export function decode(tokenizer, ids) {
  const symbols = spellings(tokenizer);
  const text = ids.map((id) => symbols[id - 1] ?? "<unk>").join("");
  return inBytes(tokenizer) ? new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))) : text;
}

// Draws an id: the first at which the running sum of the weights passes the share `uniform` of all.
export function draw(logprobs, temperature, uniform) {
  const top = logprobs.reduce((a, b) => Math.max(a, b), -Infinity);
  if (temperature === 0) return logprobs.indexOf(top);
  const weights = Array.from(logprobs, (score) => Math.exp((score - top) / temperature));
  const goal = uniform * weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  let drawn = 0;
  for (let id = 0; id < weights.length && sum <= goal; id++) {
    sum += weights[id];
    if (weights[id] > 0) drawn = id;
  }
  return drawn;
}

// The row of a context such as {label: "Sports"}; what is left out is unknown.
function contextRow(attributes, known) {
  return attributes.flatMap(({ name, values, mean, deviation }) => {
    const value = known[name];
    if (values.length > 0) return values.map((each) => Number(each === value));
    return value === undefined ? [0, 0] : [(Number(value) - mean) / deviation, 1];
  });
}

// Loads a model; `read` returns the bytes of a file of its folder.
export async function load(read) {
  const json = async (name) => JSON.parse(new TextDecoder().decode(await read(name)));
  const config = await json("config.json");
  const { network } = config;
  const session = async (name) => ort.InferenceSession.create(await read(name));
  return {
    config,
    tokenizer: await json("tokenizer.json"),
    step: await session("step.onnx"),
    start: network.start_size === null ? null : await session("start.onnx"),
    encoder: network.source_vocab_size === null ? null : await session("encoder.onnx"),
    sourceTokenizer: network.source_vocab_size === null ? null : await json("source_tokenizer.json"),
  };
}

async function firstState(model, { vector, source }) {
  const { network } = model.config;
  if (model.encoder) {
    // the source is read from its last symbol to its first, after its own <eos>
    const ids = [network.source_vocab_size - 1, ...encode(model.sourceTokenizer, source ?? "").reverse()];
    return model.encoder.run({ ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [ids.length, 1]) });
  }
  if (model.start) {
    const size = network.start_size;
    const row = Float32Array.from(vector ?? Array(size).fill(0));
    return model.start.run(size ? { vector: new ort.Tensor("float32", row, [1, size]) } : {});
  }
  const shape = [network.num_layers, 1, network.hidden_size];
  const zeros = () => new ort.Tensor("float32", new Float32Array(shape[0] * shape[2]), shape);
  return network.cell === "lstm" ? { h: zeros(), c: zeros() } : { h: zeros() };
}

// Writes a text piece by piece: yields the text so far. The seed is a BigInt.
export async function* write(model, prompt, { temperature, seed = 0n, context = {}, vector, source } = {}) {
  const { config, tokenizer, step } = model;
  const divisor = temperature ?? config.generation.temperature;
  const eos = config.network.vocab_size - 1;
  const stream = randomBits(seed, 0);
  const row = Float32Array.from(contextRow(config.context, context));
  const steering = row.length ? { context: new ort.Tensor("float32", row, [1, row.length]) } : {};
  let state = await firstState(model, { vector, source });
  const read = async (id) => {
    const ids = new ort.Tensor("int64", BigInt64Array.of(BigInt(id)), [1]);
    const { logprobs, ...next } = await step.run({ ids, ...steering, ...state });
    state = Object.fromEntries(Object.entries(next).map(([name, tensor]) => [name.slice(5), tensor]));
    return logprobs.data;
  };
  const ids = encode(tokenizer, prompt);
  let logprobs = await read(eos);
  for (const id of ids) logprobs = await read(id);
  for (let place = 0; place < config.generation.max_new_tokens; place++) {
    if (tokenizer.unk) logprobs[eos - 1] = -Infinity; // <unk> is not drawn
    const uniform = Number(randomBits(stream, place) >> 11n) * 2 ** -53;
    const drawn = draw(logprobs, divisor, uniform);
    if (drawn === eos) return;
    ids.push(drawn);
    yield decode(tokenizer, ids);
    logprobs = await read(drawn);
  }
}

if (typeof process !== "undefined" && process.argv?.[1]?.endsWith("example.mjs")) {
  const { readFile } = await import("node:fs/promises");
  const model = await load((name) => readFile(new URL(name, import.meta.url)));
  const [prompt = "", seed = String(Date.now())] = process.argv.slice(2);
  let text = prompt;
  for await (text of write(model, prompt, { seed: BigInt(seed) }));
  console.log(text);
}
