// Random streams with access to any of their numbers: the twin of unspool/_generation/sampling/random.py.
// A number of 64 bits is a pair of its upper and its lower 32 bits.

// The pair that the functions below have computed last: two variables are faster than a new pair each time.
let high = 0, low = 0;

// Returns the upper 32 bits of the product of two numbers of 32 bits.
function upper(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const u = a1 * b0 + ((a0 * b0) >>> 16);
  const v = a0 * b1 + (u & 0xffff);
  return (a1 * b1 + (u >>> 16) + (v >>> 16)) >>> 0;
}

// Multiplies the pair by another.
function times(otherHigh, otherLow) {
  high = (upper(low, otherLow) + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) >>> 0;
  low = Math.imul(low, otherLow) >>> 0;
}

// Adds another to the pair.
function plus(otherHigh, otherLow) {
  const sum = low + otherLow;
  high = (high + otherHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0;
  low = sum >>> 0;
}

// Makes z ^ (z >> bits) of the pair z, for fewer than 32 bits.
function fold(bits) {
  low = (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0;
  high = (high ^ (high >>> bits)) >>> 0;
}

// Makes number `counter` of a stream of the pair (SplitMix64).
function mix(streamHigh, streamLow, counterHigh, counterLow) {
  high = counterHigh;
  low = counterLow;
  plus(0, 1);
  times(0x9e3779b9, 0x7f4a7c15);
  plus(streamHigh, streamLow);
  fold(30);
  times(0xbf58476d, 0x1ce4e5b9);
  fold(27);
  times(0x94d049bb, 0x133111eb);
  fold(31);
}

// Returns number `counter` of a stream, both pairs, as a pair.
export function raw(stream, counter) {
  mix(stream[0], stream[1], counter[0], counter[1]);
  return [high, low];
}

// Returns the random stream of text `index` of a seed.
export function streamOf(seed, index) {
  return raw(pair(seed), pair(index));
}

// Returns number `counter` < 2^32 of a stream, uniform in [0, 1).
export function uniform(stream, counter) {
  mix(stream[0], stream[1], 0, counter);
  return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

// Returns a whole number from 0 to 2^64 - 1, a Number, a BigInt or its digits, as a pair.
export function pair(number) {
  const big = BigInt.asUintN(64, BigInt(number));
  return [Number(big >> 32n), Number(big & 0xffffffffn)];
}

// Draws a seed, for a user who gave none.
export function freshSeed() {
  return Math.floor(Math.random() * 2 ** 53);
}
