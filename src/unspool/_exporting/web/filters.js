// The samplers, which change the scores from which a token is drawn: the twin of
// unspool/_generation/sampling/filters.py. Scores are numbers of 32 bits, -Infinity for a token that may not be
// drawn; index 0 is <pad>.

import { raw, uniform } from "./random.js";

const XTC_STREAM = [0x58544300, 0];  // index in the random stream of a text, above all places
const LOWEST = -1e29;
export const float = Math.fround;

export function largest(scores) {
  let top = -Infinity;
  for (let j = 1; j < scores.length; ++j) if (scores[j] > top) top = scores[j];
  return top;
}

// Returns probabilities up to a factor: 1 for the most probable token.
export function weightsOf(scores) {
  const top = largest(scores), weights = new Float32Array(scores.length);
  for (let j = 1; j < scores.length; ++j)
    if (scores[j] > -Infinity) weights[j] = Math.exp(Math.max(float(scores[j] - top), -87));
  return weights;
}

function sum(weights) {
  let total = 0;
  for (let j = 0; j < weights.length; ++j) total += weights[j];
  return total;
}

// Returns the tokens by falling measure; on a tie by rising id.
function ordered(scores, measure) {
  const ids = [];
  for (let j = 1; j < scores.length; ++j) if (scores[j] > -Infinity) ids.push(j);
  return ids.sort((a, b) => measure[b] - measure[a] || a - b);
}

// Removes the tokens whose measure is below `least`.
function removeBelow(scores, measure, least) {
  for (let j = 1; j < scores.length; ++j) if (measure[j] < least) scores[j] = -Infinity;
}

// Keeps the fewest first tokens of an order that have at least the share p of all.
function fewest(scores, p, order, weights) {
  const goal = p * order.reduce((total, id) => total + weights[id], 0);
  let share = 0, count = 0;
  while (count < order.length && share < goal) share += weights[order[count++]];
  for (const id of order.slice(Math.max(count, 1))) scores[id] = -Infinity;
}

// Returns the entropy in nats, without ln of the total weight.
function meanSurprise(scores, weights) {
  const top = largest(scores);
  let energy = 0;
  for (let j = 1; j < scores.length; ++j) if (weights[j] > 0) energy += float(weights[j] * float(top - scores[j]));
  return energy / sum(weights);
}

function minP(scores, p) {
  removeBelow(scores, weightsOf(scores), float(p));
}

// Each changes scores; place has index, stream, memory and the temperature.
const FILTERS = {
  temperature(scores, options, place) {
    const top = largest(scores), t = float(place.temperature);
    for (let j = 1; j < scores.length; ++j)
      if (scores[j] > -Infinity) scores[j] = Math.max(float(scores[j] - top) / t, LOWEST);
  },
  topNSigma(scores, { topNSigma: n }) {
    const kept = scores.filter((score) => score > -Infinity);
    const mean = sum(kept) / kept.length;
    const squares = kept.reduce((total, score) => total + (score - mean) ** 2, 0);
    removeBelow(scores, scores, float(largest(scores) - n * Math.sqrt(squares / kept.length)));
  },
  topK(scores, { topK: k }) {
    for (const id of ordered(scores, scores).slice(k)) scores[id] = -Infinity;
  },
  topP(scores, { topP: p }) {
    fewest(scores, p, ordered(scores, scores), weightsOf(scores));
  },
  minP(scores, { minP: p }) {
    minP(scores, p);
  },
  typicalP(scores, { typicalP: p }) {
    const weights = weightsOf(scores), top = largest(scores), mean = float(meanSurprise(scores, weights));
    const near = scores.map((score) => -Math.abs(float(float(top - score) - mean)));
    fewest(scores, p, ordered(scores, near), weights);
  },
  epsilonCutoff(scores, { epsilonCutoff: epsilon }) {
    minP(scores, Math.min(1, epsilon * sum(weightsOf(scores))));
  },
  etaCutoff(scores, { etaCutoff: epsilon }) {
    const weights = weightsOf(scores);
    minP(scores, Math.min(epsilon * sum(weights), Math.sqrt(epsilon) * Math.exp(-meanSurprise(scores, weights))));
  },
  xtcProbability(scores, { xtcProbability: probability, xtcThreshold: threshold }, place) {
    if (uniform(raw(place.stream, XTC_STREAM), place.index) >= probability) return;
    const weights = weightsOf(scores), least = float(threshold * sum(weights));
    const above = ordered(scores, scores).filter((id) => weights[id] >= least);
    for (const id of above.slice(0, -1)) scores[id] = -Infinity;
  },
  mirostatTau(scores, { mirostatTau: tau }, place) {
    const most = (place.memory.most ??= 2 * tau), weights = weightsOf(scores);
    removeBelow(scores, weights, float(Math.min(1, 2 ** -most * sum(weights))));
  },
};

// Runs samplers in their order.
export function applyFilters(scores, names, options, place) {
  for (const name of names) FILTERS[name](scores, options, place);
}

// Changes what samplers remember of a text, after a token was drawn with a probability.
export function remember(options, memory, probability) {
  if (memory.most !== undefined)
    memory.most -= options.mirostatEta * (-Math.log2(probability) - options.mirostatTau);
}
