// From the tensors of a model as text to numbers.

// Returns the bytes that base64 stands for.
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Returns the number that 16 bits stand for.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// Returns `count` numbers of a little-endian buffer, whatever the machine's own order is.
function read(bytes, count, size, get, Numbers = Float32Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Numbers.from({ length: count }, (_, i) => get(view, i * size));
}

// Returns a row of whole numbers: {shape, uint16 | uint32} has them as base64.
export function wholesOf({ shape: [count], uint16, uint32 }) {
  const bytes = bytesOf(uint16 ?? uint32), size = uint16 === undefined ? 4 : 2;
  if (bytes.length !== count * size) throw new Error(`a row of ${count} whole numbers: got ${bytes.length} bytes`);
  if (size === 2) return read(bytes, count, 2, (view, at) => view.getUint16(at, true), Uint16Array);
  return read(bytes, count, 4, (view, at) => view.getUint32(at, true), Uint32Array);
}

// Returns a tensor as {shape, values}: {shape, float32 | float16 | int8, scales} has them as base64.
export function tensorOf(stored) {
  const shape = stored.shape, count = shape.reduce((product, size) => product * size, 1);
  const kind = ["float32", "float16", "int8"].find((name) => stored[name] !== undefined);
  if (kind === undefined) throw new Error("a tensor without numbers");
  const bytes = bytesOf(stored[kind]);
  if (bytes.length !== count * { float32: 4, float16: 2, int8: 1 }[kind])
    throw new Error(`a tensor of ${count} numbers in ${kind}: got ${bytes.length} bytes`);
  if (kind === "float32") return { shape, values: read(bytes, count, 4, (view, at) => view.getFloat32(at, true)) };
  if (kind === "float16")
    return { shape, values: read(bytes, count, 2, (view, at) => half(view.getUint16(at, true))) };
  const columns = shape[1], scales = bytesOf(stored.scales);
  const scale = read(scales, columns, 4, (view, at) => view.getFloat32(at, true));
  const values = new Float32Array(count);  // rounded to float32 when they are stored
  for (let i = 0; i < count; ++i) values[i] = ((bytes[i] << 24) >> 24) * scale[i % columns];
  return { shape, values };
}
