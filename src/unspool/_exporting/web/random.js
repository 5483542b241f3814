// Random streams with access to any of their numbers: the twin of unspool/_generation/sampling/random.py.
// A number of 64 bits is a pair of its upper and its lower 32 bits.

const GOLDEN = [0x9e3779b9, 0x7f4a7c15];
const FIRST = [0xbf58476d, 0x1ce4e5b9];
const SECOND = [0x94d049bb, 0x133111eb];

// Returns the upper 32 bits of the product of two numbers of 32 bits.
function upper(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const u = a1 * b0 + ((a0 * b0) >>> 16);
  const v = a0 * b1 + (u & 0xffff);
  return (a1 * b1 + (u >>> 16) + (v >>> 16)) >>> 0;
}

function times([ah, al], [bh, bl]) {
  return [(upper(al, bl) + Math.imul(ah, bl) + Math.imul(al, bh)) >>> 0, Math.imul(al, bl) >>> 0];
}

function plus([ah, al], [bh, bl]) {
  const low = al + bl;
  return [(ah + bh + (low > 0xffffffff ? 1 : 0)) >>> 0, low >>> 0];
}

// Returns z ^ (z >> bits), for fewer than 32 bits.
function folded([high, low], bits) {
  return [(high ^ (high >>> bits)) >>> 0, (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0];
}

// Returns number `counter` of a stream, 64 bits (SplitMix64).
export function raw(stream, counter) {
  const z = plus(stream, times(plus(counter, [0, 1]), GOLDEN));
  return folded(times(folded(times(folded(z, 30), FIRST), 27), SECOND), 31);
}

// Returns the random stream of text `index` of a seed.
export function streamOf(seed, index) {
  return raw(pair(seed), pair(index));
}

// Returns number `counter` of a stream, uniform in [0, 1).
export function uniform(stream, counter) {
  const [high, low] = raw(stream, [Math.floor(counter / 2 ** 32), counter >>> 0]);
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
