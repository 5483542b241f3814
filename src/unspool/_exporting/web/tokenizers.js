// Texts to ids and back, exactly as the tokenizer of the model does it. Id 0 is <pad>, the last one is <eos>.

const LONGEST = 64;  // letters in a row, marks on a letter, parts of a word
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
// Scripts that put no space between words.
const UNSPACED =
  "\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u1950-\\u19ff\\u1a20-\\u1aaf\\ua980-\\ua9ff\\uaa60-\\uaa7f" +
  "\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u303c\\u3041-\\u30ff\\u31f0-\\u31ff\\uff66-\\uff9f\\u{1b000}-\\u{1b16f}" +
  "\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua000-\\ua4cf\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
const WORD = "\\p{L}\\p{N}_";

// Returns the pattern of one symbol of a text of words: the twin of unspool/_text/tokenizers/word_tokens.py.
function wordPattern() {
  const letter = `(?:(?![${UNSPACED}])[${WORD}])`;
  const inside = `(?:['\\u2019](?=${letter})|[\\p{M}\\u200c\\u200d])`;
  const word = `${letter}{1,${LONGEST}}(?:${inside}${letter}{0,${LONGEST}}){0,${LONGEST}}`;
  const extend = `[\\p{M}\\u{1f3fb}-\\u{1f3ff}\\u{e0020}-\\u{e007f}]{0,${LONGEST}}`;
  const other = `[^${SPACE}]${extend}(?:\\u200d[^${WORD}${SPACE}]${extend}){0,${LONGEST}}`;
  return new RegExp(`${word}|[${SPACE}]|[\\u{1f1e6}-\\u{1f1ff}]{2}|${other}`, "gu");
}

function shown(symbol) {
  const code = symbol.codePointAt(0);
  const one = symbol.length === (code > 0xffff ? 2 : 1);
  return JSON.stringify(symbol) + (one ? ` (U+${code.toString(16).toUpperCase().padStart(4, "0")})` : "");
}

export class Tokenizer {
  // spec: {kind, normalization, symbols, unk, longest}; symbols are those of ids 1, 2, … without <unk>.
  constructor(spec) {
    this.kind = spec.kind;
    this.normalization = spec.normalization;
    this.bytes = ["bytes", "bpe"].includes(spec.kind); // symbols are spelled in letters that each stand for a byte
    // Other kinds cut a text into the longest symbols, and say how many characters the longest of all has.
    this.longest = spec.longest ?? null;
    const known = ["char", "word", "bytes"].includes(spec.kind) || this.longest !== null;
    if (!known) throw new Error(`this engine has no tokenizer ${spec.kind}`);
    const single = this.bytes ? Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)) : [];
    this.readable = spec.symbols ?? []; // as people read them, without the bytes
    const symbols = [...single, ...this.readable.map((symbol) => this.letters(symbol))];
    this.spellings = ["", ...symbols, ...(spec.unk ? ["<unk>"] : []), ""];
    this.eosId = this.spellings.length - 1;
    this.unkId = spec.unk ? this.eosId - 1 : null;
    this.known = new Map(symbols.map((symbol, i) => [symbol, i + 1]));
    this.pattern = spec.kind === "word" ? wordPattern() : null;
  }

  // The spelling of each id for people; null for <pad>, <unk> and <eos>.
  get symbols() {
    return this.spellings.map((spelling, id) => {
      if (id === 0 || id === this.eosId || id === this.unkId) return null;
      if (this.bytes && id > 256) return this.readable[id - 257];
      return this.bytes && id > 128 ? `\\x${(id - 1).toString(16)}` : spelling;
    });
  }

  // Returns what reports call an id.
  nameOf(id) {
    if (id === this.eosId) return "<eos>";
    return id === this.unkId ? "<unk>" : (this.symbols[id] ?? "<pad>");
  }

  normalize(text) {
    if (typeof text !== "string") throw new TypeError(`expected a text, got ${typeof text}`);
    const alone = text.match(/\p{Surrogate}/u);
    if (alone) throw new RangeError(`half of a character at ${alone.index + 1}: expected whole Unicode characters`);
    return this.normalization === null ? text : text.normalize(this.normalization);
  }

  // Splits a normalized text, in the letters of `spellings`, into symbols.
  split(text) {
    if (this.longest !== null) return this.longestSymbols(Array.from(text));
    return this.pattern === null ? Array.from(text) : (text.match(this.pattern) ?? []);
  }

  // Cuts a text, given as its characters, into the longest symbols; an unknown character stands alone.
  longestSymbols(characters) {
    const pieces = [];
    for (let begin = 0, length; begin < characters.length; begin += length) {
      length = Math.min(this.longest, characters.length - begin);
      const piece = () => characters.slice(begin, begin + length).join("");
      while (length > 1 && !this.known.has(piece())) length--;
      pieces.push(piece());
    }
    return pieces;
  }

  // Returns the ids of a text, normalized first; an unknown symbol is read as <unk>, or is an error without one.
  encode(text) {
    const normal = this.normalize(text);
    let characters = 0;
    return this.split(this.letters(normal)).map((symbol) => {
      const id = this.known.get(symbol) ?? this.unkId;
      if (id === null) {
        const what = `unknown symbol ${shown(symbol)} at character ${characters + 1}`;
        throw new RangeError(`${what}: expected one of the ${this.known.size} that the model knows`);
      }
      characters += Array.from(symbol).length;
      return id;
    });
  }

  // Returns the text of ids.
  decode(ids) {
    if (!this.bytes) return Array.from(ids, (id) => this.spellings[id]).join("");
    const decoder = this.decoder();
    return Array.from(ids, (id) => decoder.push(id)).join("") + decoder.end();
  }

  // Returns what decodes ids one by one: push(id), and end() for what is left of an unfinished character.
  decoder() {
    if (!this.bytes) return { push: (id) => this.spellings[id], end: () => "" };
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    const ends = (id) => id === 0 || id === this.eosId;
    return {
      push: (id) => {
        const bytes = Uint8Array.from(this.spellings[id], (letter) => letter.charCodeAt(0));
        return ends(id) ? "" : utf8.decode(bytes, { stream: true });
      },
      end: () => utf8.decode(),
    };
  }

  // Returns a text in the letters of `spellings`: one for each byte, or the text itself.
  letters(text) {
    if (!this.bytes) return text;
    return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
  }
}
