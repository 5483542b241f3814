// The options of generation: their usual values, their ranges, and their names, which are those of Python in camel
// case. null turns an option off.

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const real = (words, holds) => [words, (value) => isNumber(value) && holds(value)];
const whole = (least) => [
  `a whole number ≥ ${least}`,
  (value) => Number.isInteger(value) && value >= least && value < 2 ** 31,
];
const COUNT = whole(1), LENGTH = whole(0);
const FRACTION = real("a number in [0, 1]", (value) => value >= 0 && value <= 1);
const SHARE = real("a number in (0, 1]", (value) => value > 0 && value <= 1);
const CUTOFF = real("a number in [0, 1)", (value) => value >= 0 && value < 1);
const PENALTY = real("a number from -1000000 to 1000000", (value) => Math.abs(value) <= 1e6);
const SWITCH = ["true or false", (value) => typeof value === "boolean"];
const STRINGS = ["a string or several, none of them empty", (value) => listed(value).every((one) => one !== "" && typeof one === "string")];
const isTemperature = (value) => isNumber(value) && value >= 0 && value <= 3.4e38;
const isSeed = (value) =>
  (typeof value === "bigint" || Number.isSafeInteger(value) || (typeof value === "string" && /^\d{1,20}$/.test(value))) &&
  BigInt(value) >= 0n && BigInt(value) < 1n << 64n;
const isBias = ([, bias]) => bias === -Infinity || PENALTY[1](bias);

// Each sampler with the value, besides null, that turns it off.
export const SAMPLERS = {
  temperature: 1, topNSigma: null, topK: null, topP: 1, minP: 0, typicalP: 1, epsilonCutoff: 0, etaCutoff: 0,
  xtcProbability: 0, mirostatTau: null,
};

// Each option: its usual value, its range in words, and whether a value is in it.
const OPTIONS = {
  temperature: [1, "a number ≥ 0, or several", (value) => listed(value).length > 0 && listed(value).every(isTemperature)],
  temperatureSteps: [null, ...COUNT],
  topNSigma: [null, ...real("a number above 0, up to 100", (value) => value > 0 && value <= 100)],
  topK: [null, ...COUNT],
  topP: [null, ...SHARE],
  minP: [null, ...FRACTION],
  typicalP: [null, ...SHARE],
  epsilonCutoff: [null, ...CUTOFF],
  etaCutoff: [null, ...CUTOFF],
  xtcProbability: [null, ...FRACTION],
  xtcThreshold: [0.1, ...FRACTION],
  mirostatTau: [null, ...real("a number above 0 and up to 1000", (value) => value > 0 && value <= 1000)],
  mirostatEta: [0.1, ...FRACTION],
  samplers: [null, `some of ${Object.keys(SAMPLERS).join(", ")}, each once`, (value) =>
    listed(value).every((name) => name in SAMPLERS) && new Set(listed(value)).size === listed(value).length],
  repetitionPenalty: [null, ...real("a number from 0.01 to 100", (value) => value >= 0.01 && value <= 100)],
  presencePenalty: [null, ...PENALTY],
  frequencyPenalty: [null, ...PENALTY],
  penaltyLastN: [null, ...COUNT],
  noRepeatNgramSize: [null, ...COUNT],
  dryMultiplier: [null, ...real("a number from 0 to 1000000", (value) => value >= 0 && value <= 1e6)],
  dryBase: [1.75, ...real("a number from 1 to 100", (value) => value >= 1 && value <= 100)],
  dryAllowedLength: [2, ...COUNT],
  dryPenaltyLastN: [null, ...COUNT],
  drySequenceBreakers: [null, "strings or lists of ids, none of them empty", (value) => listed(value).every((one) => one.length > 0)],
  logitBias: [null, "{symbol: number}, or a Map with ids too", (value) => entriesOf(value).every(isBias)],
  badWords: [null, ...STRINGS],
  stop: [null, ...STRINGS],
  includeStop: [false, ...SWITCH],
  minTokens: [0, ...LENGTH],
  ignoreEos: [false, ...SWITCH],
  allowUnk: [false, ...SWITCH],
  maxNewTokens: [200, ...COUNT],
  seed: [null, "a whole number from 0 to 2^64 - 1 (a BigInt, or its digits, above 2^53)", isSeed],
  index: [0, ...LENGTH],
  context: [null, "{name: value}", (value) => typeof value === "object"],
  source: [null, "a text", (value) => typeof value === "string"],
  vector: [null, "a list of numbers", (value) => Array.from(value).every(isNumber)],
};

export const UNTIL_ITS_END = 1000000;  // maxNewTokens: null

export function listed(value) {
  return Array.isArray(value) ? value : [value];
}

export function entriesOf(biases) {
  return biases instanceof Map ? [...biases] : Object.entries(biases ?? {});
}

// Returns all options, from the first object that has each; the rest have their usual values.
export function resolved(...given) {
  const options = {};
  for (const values of given)
    for (const [name, value] of Object.entries(values ?? {})) {
      if (!(name in OPTIONS)) throw new RangeError(`unknown option ${name}: expected one of ${Object.keys(OPTIONS).join(", ")}`);
      if (value === undefined || name in options) continue;
      const [usual, words, holds] = OPTIONS[name];
      if (value !== null && !holds(value)) throw new RangeError(`${name}: expected ${words}, got ${said(value)}`);
      options[name] = value ?? (usual === null ? null : name === "maxNewTokens" ? UNTIL_ITS_END : usual);
    }
  for (const [name, [usual]] of Object.entries(OPTIONS)) options[name] ??= usual;
  for (const name of ["temperature", "stop", "badWords", "samplers", "drySequenceBreakers"])
    if (options[name] !== null) options[name] = listed(options[name]);
  checkTogether(options);
  return options;
}

function said(value) {
  return typeof value === "bigint" ? `${value}` : (JSON.stringify(value) ?? String(value)).slice(0, 60);
}

function checkTogether(options) {
  if (options.temperatureSteps !== null && options.temperature.length === 1)
    throw new RangeError("temperatureSteps: expected several temperatures beside it");
  if (options.minTokens > options.maxNewTokens)
    throw new RangeError(`minTokens: expected at most maxNewTokens (${options.maxNewTokens}), got ${options.minTokens}`);
  for (const name of Object.keys(SAMPLERS))
    if (turnsOn(options, name) && !samplersOf(options).includes(name))
      throw new RangeError(`samplers: expected ${name} too, or ${name} off`);
}

// Returns whether a sampler has an effect.
export function turnsOn(options, name) {
  const value = name === "temperature" && options.temperature.length === 1 ? options.temperature[0] : options[name];
  return value !== null && value !== SAMPLERS[name];
}

// Returns the samplers in their order, also those that are off.
export function samplersOf(options) {
  return options.samplers ?? Object.keys(SAMPLERS);
}

// Returns the temperature of a place of a text: straight lines between the numbers.
export function temperatureAt(options, place) {
  const numbers = options.temperature, lines = numbers.length - 1;
  if (lines === 0) return numbers[0];
  const steps = options.temperatureSteps ?? options.maxNewTokens;
  const along = (Math.min(place, steps) * lines) / steps, at = Math.min(Math.trunc(along), lines - 1);
  return numbers[at] + (numbers[at + 1] - numbers[at]) * (along - at);
}

// Returns the number of a text of a seed.
export function checkedIndex(index) {
  if (!LENGTH[1](index)) throw new RangeError(`index: expected ${LENGTH[0]}, got ${said(index)}`);
  return index;
}
