// The penalties, which come before the samplers: they forbid tokens and change scores. The twin of
// unspool/_generation/sampling/penalties.py.

import { float } from "./filters.js";
import { entriesOf } from "./options.js";

const DRY_EXPONENT = 70;


// Returns the functions (scores, prompt, written) that the options turn on, in their order.
export function penaltiesOf(options, tokenizer) {
  const eos = tokenizer.eosId, penalties = [], on = (value, off, make) => {
    if (value !== null && value !== off) penalties.push(make(value));
  };
  on(options.ignoreEos, false, () => (scores) => { scores[eos] = -Infinity; });
  on(options.minTokens, 0, (least) => (scores, prompt, written) => {
    if (written.length < least) scores[eos] = -Infinity;
  });
  on(options.noRepeatNgramSize, null, (size) => (scores, prompt, written) => forbidRepeated(scores, [...prompt, ...written], size));
  const biases = biasesOf(options, tokenizer);
  if (biases.size) penalties.push((scores) => biases.forEach((bias, id) => { scores[id] += float(bias); }));
  const last = (ids) => (options.penaltyLastN === null ? ids : ids.slice(-options.penaltyLastN));
  on(options.repetitionPenalty, 1, (penalty) => (scores, prompt, written) => {
    const factor = float(penalty);
    for (const id of new Set(last([...prompt, ...written])))
      scores[id] = scores[id] > 0 ? scores[id] / factor : scores[id] * factor;
  });
  on(options.presencePenalty, 0, (penalty) => (scores, prompt, written) => {
    for (const id of new Set(last(written))) scores[id] -= float(penalty);
  });
  on(options.frequencyPenalty, 0, (penalty) => (scores, prompt, written) => {
    for (const [id, count] of countsOf(last(written))) scores[id] -= float(float(penalty) * count);
  });
  on(options.dryMultiplier, 0, () => {
    const breakers = breakersOf(options, tokenizer);
    return (scores, prompt, written) => penalizeContinuation(scores, [...prompt, ...written], options, breakers);
  });
  return penalties;
}

function countsOf(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function forbidRepeated(scores, text, size) {
  const before = size - 1, suffix = text.length - before;
  for (let at = before; at < text.length; ++at) {
    let same = 0;
    while (same < before && text[at - before + same] === text[suffix + same]) ++same;
    if (same === before) scores[text[at]] = -Infinity;
  }
}

// Returns the bias of each id; <unk> is forbidden unless it is allowed.
function biasesOf(options, tokenizer) {
  const biases = new Map();
  for (const [key, bias] of entriesOf(options.logitBias)) {
    const ids = typeof key === "number" ? [key] : tokenizer.encode(key);
    const [id] = ids;
    if (ids.length !== 1 || !Number.isInteger(id) || id < 1 || id > tokenizer.eosId || biases.has(id))
      throw new RangeError(`logitBias: expected single symbols of the model, each once, got ${JSON.stringify(key)}`);
    biases.set(id, bias);
  }
  if (tokenizer.unkId !== null && !options.allowUnk) {
    if (biases.has(tokenizer.unkId)) throw new RangeError("logitBias: <unk> needs allowUnk");
    biases.set(tokenizer.unkId, -Infinity);
  }
  return biases;
}

// Returns the breakers in ids: the tokens whose symbol contains a string, and the tokens of the string.
function breakersOf(options, tokenizer) {
  const breakers = new Map(), add = (ids) => ids.length && breakers.set(ids.join(), ids);
  for (const breaker of options.drySequenceBreakers ?? []) {
    if (typeof breaker !== "string") {
      add([...breaker]);
      continue;
    }
    const letters = tokenizer.letters(tokenizer.normalize(breaker));
    tokenizer.spellings.forEach((spelling, id) => spelling.includes(letters) && add([id]));
    try {
      add(tokenizer.encode(breaker));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;  // a string with unknown symbols never appears
    }
  }
  breakers.delete(String(tokenizer.unkId));
  return breakers;
}

function penalizeContinuation(scores, whole, options, breakers) {
  const { dryMultiplier: multiplier, dryBase: base, dryAllowedLength: allowed, dryPenaltyLastN: last } = options;
  const text = last === null ? whole : whole.slice(-last);
  const most = base > 1 ? Math.trunc(DRY_EXPONENT / Math.log(base)) : 0;
  const limit = Math.min(afterLast(text, breakers), allowed + most), longest = new Map();
  for (let end = 0; end < text.length - 1; ++end) {
    let same = 0;
    while (same <= Math.min(end, limit - 1) && text[end - same] === text[text.length - 1 - same]) ++same;
    longest.set(text[end + 1], Math.max(same, longest.get(text[end + 1]) ?? 0));
  }
  for (const [id, length] of longest)
    if (length >= allowed && !breakers.has(String(id))) scores[id] -= float(multiplier * base ** (length - allowed));
}

// Returns the number of tokens after the last breaker; all if there is none.
function afterLast(text, breakers) {
  for (let after = 0; after < text.length; ++after) {
    const end = text.length - after;
    for (const ids of breakers.values())
      if (ids.length <= end && ids.every((id, i) => text[end - ids.length + i] === id)) return after;
  }
  return text.length;
}
