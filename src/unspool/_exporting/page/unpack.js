// From the packed text of the page to the model, its engine and the rest of the page; the twin of unspool/_exporting/html.py.

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_/{|}~";
const SIZES = { float32: 4, float16: 2, int8: 1, scales: 4, uint32: 4, uint16: 2 };  // bytes of a number

// Returns the bytes that base 85 stands for; what is none of its letters is left out.
function bytesOf85(text) {
  const values = new Uint8Array(128).fill(255);
  for (let i = 0; i < 85; ++i) values[LETTERS.charCodeAt(i)] = i;
  const bytes = new Uint8Array(4 * Math.ceil(text.length / 5) + 4);
  let word = 0, letters = 0, digits = 0, length = 0;
  const put = () => {
    for (let shift = 24; shift >= 0; shift -= 8) bytes[length++] = Math.floor(word / 2 ** shift) & 255;
    word = letters = 0;
  };
  for (let i = 0; i < text.length; ++i) {
    const value = values[text.charCodeAt(i) & 127];
    if (value === 255) continue;
    word = 85 * word + value;
    ++digits;
    if (++letters === 5) put();
  }
  if (letters) {
    while (letters++ < 5) word = 85 * word + 84;
    put();
  }
  return bytes.subarray(0, Math.floor((4 * digits) / 5));
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Puts the bytes of numbers side by side that stand by significance.
function numbersOf(planes, size) {
  const count = planes.length / size, bytes = new Uint8Array(planes.length);
  for (let plane = 0, from = 0; plane < size; ++plane)
    for (let i = 0; i < count; ++i) bytes[i * size + plane] = planes[from++];
  return bytes;
}

function base64Of(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

// Returns {spec, engine, page}: the model as the engine takes it, and the sources of the engine and of the page.
export async function unpacked(text) {
  const bytes = await inflated(bytesOf85(text));
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const take = (count) => bytes.subarray(at, (at += count));
  for (const tensor of [...Object.values(head.spec.tensors), ...Object.values(head.spec.counts ?? {})])
    for (const [kind, size] of Object.entries(SIZES))
      if (kind in tensor) tensor[kind] = base64Of(numbersOf(take(tensor[kind]), size));
  if (head.spec.wasm !== null) head.spec.wasm = base64Of(take(head.spec.wasm));
  if (at !== bytes.length) throw new Error("the model in this page is damaged");
  return head;
}
