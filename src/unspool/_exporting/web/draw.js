// From the logits of a row to a token: the twin of unspool/_generation/sampling/draw.py.

import { applyFilters, largest, remember, weightsOf } from "./filters.js";
import { samplersOf, temperatureAt, turnsOn } from "./options.js";
import { penaltiesOf } from "./penalties.js";
import { uniform } from "./random.js";

// Returns the first index at which the running sum of weights passes `random` times their total.
function invert(weights, first, count, random, total) {
  const goal = random * total;
  let sum = 0, token = 1;
  for (let j = 1; j < count && sum <= goal; ++j) {
    const weight = weights[first + j];
    sum += weight;
    if (weight > 0) token = j;
  }
  return token;
}

export class Drawer {
  constructor(network, options, tokenizer) {
    this.network = network;
    this.options = options;
    this.penalties = penaltiesOf(options, tokenizer);
    this.samplers = samplersOf(options).filter((name) => turnsOn(options, name));
    this.plain = this.penalties.length === 0 && this.samplers.every((name) => name === "temperature");
  }

  // Returns ln of the sum of e^logits of a row, weights at temperature 1, and the largest.
  normaliser(row) {
    const { network } = this, { kernel } = network, V = network.config.vocabSize;
    const logits = network.logits + row * network.vocabWidth;
    const total = kernel.weigh(logits, network.weights, V, 1);
    if (!(total > 0 && total < Infinity)) throw new Error("numbers without sense: the network's logits are not finite");
    return Math.log(total) + kernel.largest(logits, V);
  }

  // Draws a token of a text from the logits of its row. Returns -1 if nothing may be drawn.
  draw(row, text) {
    const { network, options } = this, index = text.written.length;
    const at = network.logits + row * network.vocabWidth;
    const t = Math.fround(temperatureAt(options, index)), random = uniform(text.stream, index);
    const normaliser = this.normaliser(row), plain = this.plain && text.forbidden === null;
    const token = plain && t > 0 ? this.drawPlain(at, t, random) : this.drawChosen(at, t, random, text);
    text.logprob = token < 0 ? 0 : network.kernel.numbers[at + token] - normaliser;
    return token;
  }

  drawPlain(at, t, random) {
    const { network } = this, { kernel } = network, V = network.config.vocabSize;
    if (t !== 1) kernel.weigh(at, network.weights, V, t);
    const numbers = kernel.numbers, weights = network.weights;
    let total = 0;
    for (let j = 1; j < V; ++j) total += numbers[weights + j];
    return invert(numbers, weights, V, random, total);
  }

  drawChosen(at, t, random, text) {
    const scores = Float32Array.from(this.network.kernel.numbers.subarray(at, at + this.network.config.vocabSize));
    for (const id of text.forbidden?.completing(text.tail) ?? []) scores[id] = -Infinity;
    for (const penalty of this.penalties) penalty(scores, text.prompt, text.written);
    const top = largest(scores);
    if (top === -Infinity) return -1;
    if (t === 0) return scores.indexOf(top, 1);
    const { index, stream, memory } = { index: text.written.length, stream: text.stream, memory: text.memory };
    applyFilters(scores, this.samplers, this.options, { index, stream, memory, temperature: t });
    const weights = weightsOf(scores), total = weights.reduce((sum, weight) => sum + weight, 0);
    const token = invert(weights, 0, scores.length, random, total);
    remember(this.options, memory, weights[token] / total);
    return token;
  }
}
