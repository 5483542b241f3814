// What notices when one of several phrases has been written, wherever tokens begin and end.

export class Phrases {
  // phrases: in the letters of the tokenizer's spellings.
  constructor(phrases, tokenizer) {
    this.phrases = phrases.map((phrase) => tokenizer.letters(tokenizer.normalize(phrase)));
    this.longest = Math.max(...this.phrases.map((phrase) => phrase.length));
    this.spellings = tokenizer.spellings;
    this.forbidden = new Map();
  }

  // Returns what of a text matters for what follows.
  after(text) {
    return this.longest > 1 ? text.slice(1 - this.longest) : "";
  }

  // Returns whether letters after a text complete a phrase.
  completed(tail, letters) {
    const text = tail + letters;
    return this.phrases.some((phrase) => text.indexOf(phrase, Math.max(0, tail.length - phrase.length + 1)) >= 0);
  }

  // Returns the ids that would complete a phrase after a text.
  completing(tail) {
    let ids = this.forbidden.get(tail);
    if (ids === undefined) {
      ids = this.spellings.flatMap((spelling, id) => (this.completed(tail, spelling) ? [id] : []));
      this.forbidden.set(tail, ids);
    }
    return ids;
  }
}

// Cuts a text at the phrase that its last token completed; returns {text, phrase}.
export function cut(text, phrases, after, keepsPhrase) {
  let best = null;
  for (const phrase of phrases) {
    const first = text.indexOf(phrase, Math.max(0, after - phrase.length + 1)), last = first + phrase.length;
    if (first >= 0 && (best === null || last < best.last || (last === best.last && first < best.first)))
      best = { first, last };
  }
  return { text: text.slice(0, keepsPhrase ? best.last : best.first), phrase: text.slice(best.first, best.last) };
}

// Returns the length of the end of a text that may be the beginning of a phrase.
export function withheld(text, phrases) {
  const longest = Math.max(0, ...phrases.map((phrase) => phrase.length - 1));
  for (let size = Math.min(longest, text.length); size > 0; --size) {
    const ending = text.slice(text.length - size);
    if (phrases.some((phrase) => phrase.length > size && phrase.startsWith(ending))) return size;
  }
  return 0;
}
