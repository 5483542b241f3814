// A stack of recurrent layers between an input table and an output layer: one step for some rows, each a text.

export const MOST_ROWS = 32;  // texts that are written side by side

function roundedUp(count, multiple) {
  return Math.ceil(count / multiple) * multiple;
}

const GATES = { rnn: 1, lstm: 4, gru: 3 };
const STATES = { rnn: 1, lstm: 2, gru: 1 };

export class Network {
  // config: the network's, in camel case; tensors: name -> {shape, values}; output: whether it has an output layer.
  constructor(config, tensors, kernel, { prefix = "", output = true } = {}) {
    this.config = config;
    this.kernel = kernel;
    this.tensors = tensors;
    this.prefix = prefix;
    this.gates = GATES[config.cell];
    this.states = STATES[config.cell];
    if (this.gates === undefined) throw new Error(`this engine has no cell ${config.cell}`);
    this.hidden = config.hiddenSize;
    this.width = roundedUp(this.hidden, 4);  // of a row of the state, and of a slot of the gates
    this.stride = roundedUp(this.gates * this.width, 16) + 16;  // of a row of gates; a matrix may end 15 later
    this.resetAfter = config.cell === "gru" && config.resetAfter;
    this.stateSize = config.numLayers * this.states * this.hidden;
    this.layers = Array.from({ length: config.numLayers }, (_, layer) => this.layerOf(layer));
    this.reserve();
    if (output) this.addOutput();
    this.addInput();
  }

  tensor(name) {
    return this.tensors[this.prefix + name];
  }

  // Stores a matrix in panels of columns; column(j) is the place of its column j.
  packed({ shape, values }, column, columns, first = 0, end = shape[1]) {
    const { kernel } = this, [n, width] = shape, panel = kernel.panel;
    const padded = roundedUp(columns, 16), at = kernel.allocate(padded * n), numbers = kernel.numbers;
    for (let k = 0; k < n; ++k)
      for (let j = first; j < end; ++j) {
        const to = column(j), inside = to % panel;
        numbers[at + (to - inside) * n + k * panel + inside] = values[k * width + j];
      }
    return { at, n, columns: padded };
  }

  // The place of a gate's unit in a row whose slots are padded.
  spread(j) {
    return Math.floor(j / this.hidden) * this.width + (j % this.hidden);
  }

  // Stores a row of gates.
  row(values, from = 0, count = values.length, slot = 0) {
    const at = this.kernel.allocate(this.stride);
    for (let j = 0; j < count; ++j) this.kernel.numbers[at + this.spread(j) + slot] = values[from + j];
    return at;
  }

  layerOf(layer) {
    const named = (name) => this.tensor(`layers.${layer}.${name}`), H = this.hidden, spread = (j) => this.spread(j);
    const all = this.gates * this.width, input = named("input_kernel"), recurrent = named("recurrent_kernel");
    const before = this.config.cell === "gru" && !this.config.resetAfter;
    const own = {
      bias: this.row(named("bias").values),
      input: layer > 0 || this.config.embeddingSize !== null ? this.packed(input, spread, all) : null,
      recurrent: before
        ? this.packed(recurrent, spread, 2 * this.width, 0, 2 * H)
        : this.packed(recurrent, spread, all),
      candidate: before ? this.packed(recurrent, (j) => j - 2 * H, this.width, 2 * H) : null,
      recurrentBias: null,
    };
    if (this.resetAfter) own.recurrentBias = this.row(named("recurrent_bias").values, 0, H, 2 * this.width);
    return own;
  }

  // Reserves the numbers of MOST_ROWS rows.
  reserve() {
    const rows = (count) => this.kernel.allocate(MOST_ROWS * count), { config } = this;
    this.rows = {
      gates: rows(this.stride),
      recurrent: this.resetAfter ? rows(this.stride) : 0,
      product: rows(this.width),
      sum: rows(this.width),
      offsets: config.contextSize === null ? 0 : rows(this.stride),
      h: this.layers.map(() => rows(this.width)),
      c: this.layers.map(() => (this.states === 2 ? rows(this.width) : 0)),
    };
  }

  addOutput() {
    const { kernel, config } = this, V = config.vocabSize, bias = this.tensor("output.bias").values;
    this.vocabWidth = roundedUp(V, 16);
    this.output = this.packed(this.outputKernel(), (j) => j, V);
    this.outputBias = kernel.allocate(this.vocabWidth);
    kernel.numbers.fill(-Infinity, this.outputBias, this.outputBias + this.vocabWidth);
    for (let j = 1; j < V; ++j) kernel.numbers[this.outputBias + j] = bias[j];
    this.logits = kernel.allocate(MOST_ROWS * this.vocabWidth);
    this.weights = kernel.allocate(this.vocabWidth);
  }

  outputKernel() {
    if (!this.config.tiedOutput) return this.tensor("output.kernel");
    const { shape, values } = this.tensor("embedding"), [V, H] = shape, turned = new Float32Array(V * H);
    for (let i = 0; i < V; ++i) for (let j = 0; j < H; ++j) turned[j * V + i] = values[i * H + j];
    return { shape: [H, V], values: turned };
  }

  // Stores the input table: a row of gates with the bias for each token, or the token's embedding.
  addInput() {
    const { kernel, config } = this, V = config.vocabSize;
    if (config.embeddingSize !== null) {
      const E = config.embeddingSize, width = roundedUp(E, 4), values = this.tensor("embedding").values;
      this.table = { at: kernel.allocate(V * width), width };
      for (let i = 0; i < V; ++i)
        for (let j = 0; j < E; ++j) kernel.numbers[this.table.at + i * width + j] = values[i * E + j];
      this.inputs = kernel.allocate(MOST_ROWS * width);
      return;
    }
    const { values } = this.tensor("layers.0.input_kernel"), width = this.gates * this.width;
    const G = this.gates * this.hidden, bias = this.layers[0].bias;
    this.table = { at: kernel.allocate(V * width), width };
    const numbers = kernel.numbers;
    for (let i = 0; i < V; ++i)
      for (let j = 0; j < G; ++j) {
        const to = this.spread(j);
        numbers[this.table.at + i * width + to] = values[i * G + j] + numbers[bias + to];
      }
  }

  // Reads a token in each of the first rows: the state, and the logits if there is an output layer, change.
  step(rows, ids) {
    const { kernel, width } = this, own = this.rows, residual = this.config.residual;
    let below = 0;
    for (let layer = 0; layer < this.layers.length; ++layer) {
      if (layer === 0) this.feed(rows, ids);
      else {
        this.fill(rows, own.gates, this.stride, this.layers[layer].bias, this.stride);
        this.multiply(rows, below, width, this.layers[layer].input, own.gates, this.stride);
      }
      this.cell(rows, this.layers[layer], own.h[layer], own.c[layer]);
      below = own.h[layer];
      if (residual) below = this.added(rows, layer);
    }
    if (this.output === undefined) return;
    this.fill(rows, this.logits, this.vocabWidth, this.outputBias, this.vocabWidth);
    this.multiply(rows, below, width, this.output, this.logits, this.vocabWidth);
  }

  multiply(rows, x, stride, matrix, out, outStride) {
    this.kernel.multiply(rows, x, stride, matrix.n, matrix.at, matrix.columns, out, outStride);
  }

  // Copies one row of numbers to all rows.
  fill(rows, to, stride, from, count) {
    const numbers = this.kernel.numbers;
    for (let row = 0; row < rows; ++row) numbers.copyWithin(to + row * stride, from, from + count);
  }

  // Puts the input's part of the first layer's gates in place.
  feed(rows, ids) {
    const { kernel, table } = this, { gates, offsets } = this.rows, { numbers } = kernel;
    const embedded = this.layers[0].input, to = embedded ? this.inputs : gates;
    const stride = embedded ? table.width : this.stride;
    for (let row = 0; row < rows; ++row) {
      const from = table.at + ids[row] * table.width;
      numbers.copyWithin(to + row * stride, from, from + table.width);
    }
    if (embedded) {
      this.fill(rows, gates, this.stride, this.layers[0].bias, this.stride);
      this.multiply(rows, this.inputs, table.width, embedded, gates, this.stride);
    }
    if (offsets) for (let i = 0; i < rows * this.stride; ++i) numbers[gates + i] += numbers[offsets + i];
  }

  cell(rows, layer, h, c) {
    const { kernel, stride, width } = this, { gates, recurrent, product } = this.rows;
    if (this.resetAfter) {
      this.fill(rows, recurrent, stride, layer.recurrentBias, stride);
      this.multiply(rows, h, width, layer.recurrent, recurrent, stride);
      kernel.gruAfter(rows, gates, recurrent, stride, h, width);
      return;
    }
    this.multiply(rows, h, width, layer.recurrent, gates, stride);
    if (this.config.cell === "rnn") kernel.rnn(rows, gates, stride, h, width);
    else if (this.config.cell === "lstm") kernel.lstm(rows, gates, stride, h, c, width);
    else {
      kernel.gruGates(rows, gates, stride, h, product, width);
      this.multiply(rows, product, width, layer.candidate, gates + 2 * width, stride);
      kernel.gruState(rows, gates, stride, h, width);
    }
  }

  // Adds a layer's output to that of the layers below it, and returns the place of the sum.
  added(rows, layer) {
    const { numbers } = this.kernel, { sum, h } = this.rows;
    for (let i = 0; i < rows * this.width; ++i)
      numbers[sum + i] = layer === 0 ? numbers[h[0] + i] : numbers[sum + i] + numbers[h[layer] + i];
    return sum;
  }

  // The places of a row's states, in the order (layer, state) of stored states.
  *places(row) {
    for (let layer = 0; layer < this.layers.length; ++layer) {
      yield this.rows.h[layer] + row * this.width;
      if (this.states === 2) yield this.rows.c[layer] + row * this.width;
    }
  }

  // Puts a state (L, S, H) into a row.
  setState(row, state) {
    let from = 0;
    for (const at of this.places(row)) {
      this.kernel.numbers.set(state.subarray(from, from + this.hidden), at);
      from += this.hidden;
    }
  }

  // Writes the state of a row to an array.
  getState(row, state) {
    let to = 0;
    for (const at of this.places(row)) {
      state.set(this.kernel.numbers.subarray(at, at + this.hidden), to);
      to += this.hidden;
    }
  }

  // Puts what a context adds to the gates into a row.
  setOffset(row, offset) {
    if (this.rows.offsets) this.kernel.numbers.set(offset, this.rows.offsets + row * this.stride);
  }

  // Moves a row to the place of another.
  move(from, to) {
    const numbers = this.kernel.numbers, width = this.width;
    const moved = [...this.rows.h, ...(this.states === 2 ? this.rows.c : [])];
    for (const at of moved) numbers.copyWithin(at + to * width, at + from * width, at + (from + 1) * width);
    const { offsets } = this.rows, stride = this.stride;
    if (offsets) numbers.copyWithin(offsets + to * stride, offsets + from * stride, offsets + (from + 1) * stride);
  }

  // Computes what a context row adds to the first layer's gates.
  offsetOf(contextRow) {
    const { shape, values } = this.tensor("context.kernel"), offset = new Float32Array(this.stride);
    for (let j = 0; j < shape[1]; ++j) {
      let sum = 0;
      for (let i = 0; i < shape[0]; ++i) sum += contextRow[i] * values[i * shape[1] + j];
      offset[this.spread(j)] = sum;
    }
    return offset;
  }

  // Computes the state that a text starts from.
  firstState(vector) {
    const state = new Float32Array(this.stateSize), bias = this.tensor("start.bias");
    if (this.config.startSize === null) return state;
    const kernel = vector === null ? undefined : this.tensor("start.kernel");
    for (let j = 0; j < state.length; ++j) {
      let sum = bias.values[j];
      if (kernel) for (let i = 0; i < kernel.shape[0]; ++i) sum += vector[i] * kernel.values[i * state.length + j];
      state[j] = sum;
    }
    return state;
  }
}
