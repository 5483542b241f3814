// From the logits of a row to a token: the twin of unspool/_generation/sampling/draw.py.

import { applyFilters, float, largest, remember, weightsOf } from "./filters.js";
import { samplersOf, temperatureAt, turnsOn } from "./options.js";
import { penaltiesOf } from "./penalties.js";
import { Phrases } from "./phrases.js";
import { uniform } from "./random.js";

// Returns the first index at which the running sum of weights passes `random` times their total. The total comes from
// sums in float32, so a goal near its end may lie beyond the whole running sum: then the total is that one.
function invert(weights, first, count, random, total) {
  let token = 1;
  for (let pass = 0; pass < 2; ++pass) {
    const goal = random * total;
    let sum = 0;
    for (let j = 1; j < count && sum <= goal; ++j) {
      const weight = weights[first + j];
      sum += weight;
      if (weight > 0) token = j;
    }
    if (sum > goal) break;
    total = sum;
  }
  return token;
}

// How texts with the same options are drawn; it keeps nothing of a text.
export class Drawer {
  constructor(network, options, tokenizer) {
    this.network = network;
    this.options = options;
    this.penalties = penaltiesOf(options, tokenizer);
    this.samplers = samplersOf(options).filter((name) => turnsOn(options, name));
    const { stop, badWords } = options;
    this.stops = (stop ?? []).map((phrase) => tokenizer.normalize(phrase));
    this.stop = stop === null ? null : new Phrases(stop, tokenizer);
    this.forbidden = badWords === null ? null : new Phrases(badWords, tokenizer);
    const others = this.penalties.length || this.forbidden || this.samplers.some((name) => name !== "temperature");
    this.plain = !others;
    this.total = 0;  // of the weights at temperature 1
  }

  // Returns ln of the sum of e^logits of a row, and leaves its weights at temperature 1 and their total.
  normaliser(row) {
    const { network } = this, { kernel } = network, V = network.config.vocabSize;
    const logits = network.logits + row * network.vocabWidth;
    this.total = kernel.weigh(logits, network.weights, V, 1);
    if (!(this.total > 0 && this.total < Infinity))
      throw new Error("numbers without sense: the logits of the network are not finite");
    return Math.log(this.total) + kernel.largest(logits, V);
  }

  // Draws a token of a text from the logits of its row, and sets the text's logprob. Returns -1 if none may come.
  draw(row, text) {
    const { network } = this, index = text.written.length, at = network.logits + row * network.vocabWidth;
    const t = float(temperatureAt(this.options, index)), random = uniform(text.stream, index);
    const normaliser = this.normaliser(row);
    const token = this.plain && t > 0 ? this.drawPlain(at, t, random) : this.drawChosen(at, t, random, text);
    text.logprob = token < 0 ? 0 : network.kernel.numbers[at + token] - normaliser;
    return token;
  }

  drawPlain(at, t, random) {
    const { network } = this, { kernel } = network, V = network.config.vocabSize;
    const total = t === 1 ? this.total : kernel.weigh(at, network.weights, V, t);
    return invert(kernel.numbers, network.weights, V, random, total);
  }

  drawChosen(at, t, random, text) {
    const { stream, memory, written } = text;
    const scores = Float32Array.from(this.network.kernel.numbers.subarray(at, at + this.network.config.vocabSize));
    if (this.forbidden) for (const id of this.forbidden.completing(text.tail)) scores[id] = -Infinity;
    for (const penalty of this.penalties) penalty(scores, text.prompt, written);
    const top = largest(scores);
    if (top === -Infinity) return -1;
    if (t === 0) return scores.indexOf(top, 1);
    applyFilters(scores, this.samplers, this.options, { index: written.length, stream, memory, temperature: t });
    const weights = weightsOf(scores), total = weights.reduce((sum, weight) => sum + weight, 0);
    const token = invert(weights, 0, scores.length, random, total);
    remember(this.options, memory, weights[token] / total);
    return token;
  }
}
