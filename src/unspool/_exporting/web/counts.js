// Counts of a text beside the network: the twin of native/writing/counts.h.

import { tensorOf, wholesOf } from "./tensors.js";

const LEAST_PROBABILITY = 1e-30;

export class Counts {
  // stored: the arrays of a table, as unspool/_kernels/counts.py describes them; vocabSize: number of ids.
  constructor(stored, vocabSize) {
    for (const name of ["firstChild", "firstEntry", "symbols", "tokens", "counts"]) this[name] = wholesOf(stored[name]);
    for (const name of ["discounts", "weights"]) this[name] = tensorOf(stored[name]).values;
    this.order = stored.discounts.shape[0] - 1;
    this.probabilities = new Float64Array(vocabSize);
  }

  // Replaces each logit at a place by a weighted sum of itself and of ln of the probability that the table gives
  // the token after the first `count` ids of a text.
  mix(numbers, logits, ids, count) {
    const { probabilities, weights } = this, V = probabilities.length, path = [0];
    while (path.length <= Math.min(this.order, count)) {
      const node = this.longer(path.at(-1), ids[count - path.length]);
      if (node < 0) break;
      path.push(node);
    }
    probabilities.fill(0);
    const depth = path.length - 1, longest = path[depth];
    const left = path.reduceRight((rest, node, length) => this.share(length, node, rest), 1);  // for any token
    const alone = this.firstEntry[longest + 1] - this.firstEntry[longest] === 1;
    const row = 2 * (2 * depth + alone), own = weights[row], counted = weights[row + 1];
    for (let id = 1; id < V; ++id) {
      const probability = Math.max(probabilities[id] + left / (V - 1), LEAST_PROBABILITY);
      numbers[logits + id] = numbers[logits + id] * own + Math.log(probability) * counted;
    }
  }

  // Returns the context that is longer by one older symbol, or -1.
  longer(node, symbol) {
    let first = this.firstChild[node], last = this.firstChild[node + 1];
    const end = last;
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (this.symbols[middle] < symbol) first = middle + 1;
      else last = middle;
    }
    return first < end && this.symbols[first] === symbol ? first : -1;
  }

  // Gives the tokens of a context their part of a probability; returns what is left of it.
  share(length, node, left) {
    const { counts, tokens, discounts, probabilities } = this;
    const first = this.firstEntry[node], last = this.firstEntry[node + 1];
    const discount = (at) => discounts[3 * length + Math.min(counts[at], 3) - 1];
    let total = 0, kept = 0;
    for (let at = first; at < last; ++at) {
      total += counts[at];
      kept += discount(at);
    }
    for (let at = first; at < last; ++at) probabilities[tokens[at]] += (left / total) * (counts[at] - discount(at));
    return (left / total) * kept;
  }
}
