// The arithmetic of a network on one array of numbers, in which places are indices: in plain JavaScript, and its
// twin in WebAssembly (kernel.cpp). Rows are those of texts that are written side by side; a row of gates has a slot
// of `width` numbers for each gate. Padding is zero and stays zero.

import { bytesOf } from "./tensors.js";

const LEAST = -87;  // of an exponent, so that no token that may be drawn underflows to zero
const PAGE = 65536;  // bytes
// Every index is below it: after `& INDEX` an engine knows that no sum of indices overflows, and does not check each.
const INDEX = 0x1fffffff;

// e^x = 2^(n / 64) e^r with n whole and |r| <= ln 2 / 128; both powers of two are in tables.
const STEPS = Float64Array.from({ length: 64 }, (_, i) => 2 ** (i / 64));
const POWERS = Float64Array.from({ length: 2048 }, (_, i) => 2 ** (i - 1024));
const STEP = Math.LN2 / 64;

// Returns e^x to 1e-13 of it, three times as fast as Math.exp; x is clamped to ±700.
export function exponential(x) {
  const clamped = x < -700 ? -700 : x > 700 ? 700 : x, n = Math.floor(clamped * (1 / STEP) + 0.5);
  const r = clamped - n * STEP;
  return STEPS[n & 63] * POWERS[(n >> 6) + 1024] * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24)))));
}

function sigmoid(x) {
  return 1 / (1 + exponential(-x));
}

function tanh(x) {
  return 1 - 2 / (exponential(2 * x) + 1);
}

// Numbers of 64 bits: a sum is exact to 1e-15, and JavaScript need not convert them.
export class PlainKernel {
  name = "javascript";
  panel = 4;  // columns of a matrix that are stored side by side
  numbers = new Float64Array(1 << 16);
  used = 16;

  // Returns the index of `count` further numbers, all zero.
  allocate(count) {
    const at = this.used;
    this.used += (count + 15) & ~15;
    if (this.used > this.numbers.length) {
      const larger = new Float64Array(Math.max(this.used, 2 * this.numbers.length));
      larger.set(this.numbers);
      this.numbers = larger;
    }
    return at;
  }

  // Adds x (rows, n) times a packed matrix (n, columns) to out.
  multiply(rows, x, xStride, n, matrix, columns, out, outStride) {
    if (rows === 1) {
      this.multiplyRow(x, n, matrix, columns, out);
      return;
    }
    const a = this.numbers;
    for (let j = 0; j < columns; j += 4) {
      const panel = matrix + j * n;
      for (let row = 0; row + 1 < rows; row += 2) {
        const to = (out + row * outStride + j) & INDEX, next = (to + outStride) & INDEX;
        let p0 = a[to], p1 = a[to + 1], p2 = a[to + 2], p3 = a[to + 3];
        let q0 = a[next], q1 = a[next + 1], q2 = a[next + 2], q3 = a[next + 3];
        for (let k = 0, from = x + row * xStride; k < 4 * n; k += 4, ++from) {
          const w = (panel + k) & INDEX, p = a[from], q = a[from + xStride];
          const w0 = a[w], w1 = a[w + 1], w2 = a[w + 2], w3 = a[w + 3];
          p0 += p * w0; p1 += p * w1; p2 += p * w2; p3 += p * w3;
          q0 += q * w0; q1 += q * w1; q2 += q * w2; q3 += q * w3;
        }
        a[to] = p0; a[to + 1] = p1; a[to + 2] = p2; a[to + 3] = p3;
        a[next] = q0; a[next + 1] = q1; a[next + 2] = q2; a[next + 3] = q3;
      }
    }
    if (rows & 1) this.multiplyRow(x + (rows - 1) * xStride, n, matrix, columns, out + (rows - 1) * outStride);
  }

  // Adds one row: two panels at once, so that no sum waits for the one before.
  multiplyRow(x, n, matrix, columns, out) {
    const a = this.numbers;
    for (let j = 0; j < columns; j += 8) {
      const panel = matrix + j * n, other = 4 * n, to = (out + j) & INDEX;
      let p0 = a[to], p1 = a[to + 1], p2 = a[to + 2], p3 = a[to + 3];
      let q0 = a[to + 4], q1 = a[to + 5], q2 = a[to + 6], q3 = a[to + 7];
      for (let k = 0, from = x; k < other; k += 4, ++from) {
        const w = (panel + k) & INDEX, v = (w + other) & INDEX;
        const p = a[from];
        p0 += p * a[w]; p1 += p * a[w + 1]; p2 += p * a[w + 2]; p3 += p * a[w + 3];
        q0 += p * a[v]; q1 += p * a[v + 1]; q2 += p * a[v + 2]; q3 += p * a[v + 3];
      }
      a[to] = p0; a[to + 1] = p1; a[to + 2] = p2; a[to + 3] = p3;
      a[to + 4] = q0; a[to + 5] = q1; a[to + 6] = q2; a[to + 7] = q3;
    }
  }

  // Computes h = tanh of the gates.
  rnn(rows, gates, stride, h, width) {
    const a = this.numbers;
    for (let row = 0; row < rows; ++row)
      for (let j = 0; j < width; ++j) a[h + row * width + j] = tanh(a[gates + row * stride + j]);
  }

  // Slots i, f, c, o.
  lstm(rows, gates, stride, h, c, width) {
    const a = this.numbers;
    for (let row = 0; row < rows; ++row)
      for (let j = 0; j < width; ++j) {
        const at = gates + row * stride + j, unit = row * width + j;
        const cell = sigmoid(a[at + width]) * a[c + unit] + sigmoid(a[at]) * tanh(a[at + 2 * width]);
        a[c + unit] = cell;
        a[h + unit] = sigmoid(a[at + 3 * width]) * tanh(cell);
      }
  }

  // Slots z, r, n of the input and of the recurrent product, which the reset gate multiplies.
  gruAfter(rows, gates, recurrent, stride, h, width) {
    const a = this.numbers;
    for (let row = 0; row < rows; ++row)
      for (let j = 0; j < width; ++j) {
        const at = gates + row * stride + j, other = recurrent + row * stride + j, unit = h + row * width + j;
        const z = sigmoid(a[at] + a[other]), r = sigmoid(a[at + width] + a[other + width]);
        const n = tanh(a[at + 2 * width] + r * a[other + 2 * width]);
        a[unit] = z * (a[unit] - n) + n;
      }
  }

  // Slots z, r: the gates, and p = r h for the product of the candidate.
  gruGates(rows, gates, stride, h, p, width) {
    const a = this.numbers;
    for (let row = 0; row < rows; ++row)
      for (let j = 0; j < width; ++j) {
        const at = gates + row * stride + j;
        a[at] = sigmoid(a[at]);
        a[p + row * width + j] = sigmoid(a[at + width]) * a[h + row * width + j];
      }
  }

  // Slots z, r, n: the new state.
  gruState(rows, gates, stride, h, width) {
    const a = this.numbers;
    for (let row = 0; row < rows; ++row)
      for (let j = 0; j < width; ++j) {
        const at = gates + row * stride + j, unit = h + row * width + j, n = tanh(a[at + 2 * width]);
        a[unit] = a[at] * (a[unit] - n) + n;
      }
  }

  // Computes weights = e^((logits - the largest) / temperature), and returns their sum; index 0 is <pad>.
  weigh(logits, weights, count, temperature) {
    const a = this.numbers;
    const top = this.largest(logits, count);
    let total = 0;
    a[weights] = 0;
    for (let j = 1; j < count; ++j) {
      const weight = exponential(Math.max((a[logits + j] - top) / temperature, LEAST));
      a[weights + j] = weight;
      total += weight;
    }
    return total;
  }

  largest(logits, count) {
    let top = this.numbers[logits + 1];
    for (let j = 2; j < count; ++j) top = Math.max(top, this.numbers[logits + j]);
    return top;
  }
}

// The twin in WebAssembly: numbers of 32 bits, four at once.
export class WasmKernel {
  name = "wasm";
  panel = 16;
  used = 16;

  constructor(exported) {
    this.exported = exported;
    // What is below is the kernel's own: its stack, of which it needs little.
    this.used = exported.__heap_base.value / 4 + 15 & ~15;
    this.refresh();
    for (const name of ["multiply", "rnn", "lstm", "gruAfter", "gruGates", "gruState", "weigh", "largest"])
      this[name] = exported[name];
  }

  // Compiles the kernel; null where there is no WebAssembly with SIMD.
  static async compiled(base64) {
    if (typeof WebAssembly === "undefined") return null;
    try {
      const { instance } = await WebAssembly.instantiate(bytesOf(base64), {});
      return new WasmKernel(instance.exports);
    } catch (error) {
      if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) return null;
      throw error;
    }
  }

  refresh() {
    this.numbers = new Float32Array(this.exported.memory.buffer);
  }

  allocate(count) {
    const at = this.used;
    this.used += (count + 15) & ~15;
    const missing = 4 * this.used - this.exported.memory.buffer.byteLength;
    if (missing > 0) {
      this.exported.memory.grow(Math.ceil(missing / PAGE));
      this.refresh();
    }
    return at;
  }
}
