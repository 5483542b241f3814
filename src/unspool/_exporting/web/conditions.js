// What is known of a text beside it: its context, a vector, its source. The twin of unspool/_text/context.py.

const NUMBER = /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?$/i;

// Returns the row of columns of a context {name: value}; what is missing is 0.
export function contextRow(attributes, context) {
  for (const name of Object.keys(context ?? {}))
    if (!attributes.some((attribute) => attribute.name === name)) {
      const known = attributes.map((attribute) => attribute.name).join(", ");
      throw new RangeError(`context ${name}: expected ${known ? `one of ${known}` : "none: the model knows no context"}`);
    }
  return attributes.flatMap((attribute) => columnsOf(attribute, Object.hasOwn(context ?? {}, attribute.name) ? context[attribute.name] : null));
}

function columnsOf({ name, kind, values, mean, deviation }, value) {
  const text = value === null || value === undefined ? "" : String(value).trim();
  if (kind === "number") {
    if (text === "") return [0, 0];
    const number = NUMBER.test(text) ? Number(text.replaceAll("_", "")) : NaN;
    if (!Number.isFinite(number)) throw new RangeError(`context ${name}: expected a number, got ${JSON.stringify(text)}`);
    return [Math.fround((Math.fround(number) - mean) / deviation), 1];
  }
  if (text !== "" && !values.includes(text)) {
    const some = values.slice(0, 20).join(", ") + (values.length > 20 ? ", …" : "");
    throw new RangeError(`context ${name}: expected one of ${some}, got ${JSON.stringify(text)}`);
  }
  return values.map((one) => (one === text ? 1 : 0));
}

// Returns the numbers of a vector.
export function vectorOf(size, vector) {
  if (vector === null) return null;
  const numbers = Array.from(vector);
  if (numbers.length !== size || !numbers.every(Number.isFinite))
    throw new RangeError(`vector: expected ${size ? `${size} finite numbers` : "none: the model knows no vectors"}, got ${numbers.length}`);
  return numbers;
}

// Returns the ids of a source as an encoder reads them: <eos>, then the tokens from the last to the first.
export function sourceIds(tokenizer, source) {
  return [tokenizer.eosId, ...tokenizer.encode(source).reverse()];
}
