// What a text begins with: the first words, for more texts like it.

const SHARE = 1 / 3;  // of what was written

// Returns the prompt and the first third of the words after it, or of the letters where there is one word.
export function beginningOf(text, prompt) {
  const written = text.slice(prompt.length);
  const words = ends(written, "word"), letters = ends(written, "grapheme");
  const all = words.length > 1 ? words : letters;
  if (all.length < 2) return text;
  return prompt + written.slice(0, all[Math.ceil(all.length * SHARE) - 1]);
}

// Returns where the words or the letters of a text end.
function ends(text, granularity) {
  if (!Intl.Segmenter) return [...text.matchAll(granularity === "word" ? /\S+/gu : /\S/gu)].map((one) => one.index + one[0].length);
  const segments = [...new Intl.Segmenter(undefined, { granularity }).segment(text)];
  const wanted = segments.filter(({ isWordLike, segment }) => (granularity === "word" ? isWordLike : segment.trim() !== ""));
  return wanted.map(({ index, segment }) => index + segment.length);
}
