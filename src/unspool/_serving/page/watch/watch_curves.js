// The figures of a run as the server tells them: the history once, and then what is new.

const MOST_SPANS = 2048, MOST_EVALUATIONS = 1024, MOST_SAMPLES = 120;

export class Curves {
  constructor() {
    this.clear();
  }

  clear() {
    Object.assign(this, { training: [], evaluations: [], samples: [], changes: [], finish: null, last: null, step: 0, broken: 0 });
  }

  // Takes an event: "history" replaces all that was known, "more" goes on from there.
  take(event, told) {
    if (event === "history") this.clear();
    const reached = this.training.at(-1)?.[1] ?? -1;
    this.training.push(...told.training.filter(([, step]) => step > reached));
    if (told.training.length) this.finish = null;
    for (const one of told.evaluations)  // the characters are not known to a part of a run that begins with this line
      this.evaluations.push(one.characters === null ? { ...one, characters: this.training.at(-1)?.[3] ?? 0 } : one);
    this.samples = [...this.samples, ...told.samples].slice(-MOST_SAMPLES);
    this.evaluations = this.evaluations.slice(-MOST_EVALUATIONS);
    this.changes = [...this.changes, ...told.changes].slice(-50);
    this.finish = told.finish ?? this.finish;
    this.last = told.last ?? this.last;
    this.step = Math.max(this.step, told.step);
    this.broken += told.broken;
    if (this.training.length > MOST_SPANS) this.training = halved(this.training);
  }

  // Returns the curve of the steps over an axis.
  learnt(axis) {
    const place = { step: 1, seconds: 2, characters: 3 }[axis];
    return this.training.map((span) => ({ x: span[place], y: span[4], low: span[5], high: span[6] }));
  }

  // Returns the curve of the held-out text over an axis.
  heldOut(axis) {
    const best = this.best();
    return this.evaluations.filter((one) => one.bits_per_character !== null)
      .map((one) => ({ x: one[axis] ?? 0, y: one.bits_per_character, best: one === best }));
  }

  best() {
    let best = null;
    for (const one of this.evaluations)
      if (one.bits_per_character !== null && (best === null || one.bits_per_character < best.bits_per_character)) best = one;
    return best;
  }
}

// Joins neighbouring spans: count, step, seconds and characters at the end, mean, least and greatest.
function halved(spans) {
  const joined = [];
  for (let index = 0; index < spans.length; index += 2) {
    const [first, second] = [spans[index], spans[index + 1]];
    if (!second) joined.push(first);
    else {
      const count = first[0] + second[0], mean = (first[0] * first[4] + second[0] * second[4]) / count;
      joined.push([count, second[1], second[2], second[3], mean, Math.min(first[5], second[5]), Math.max(first[6], second[6])]);
    }
  }
  return joined;
}

export const addressOfRun = (name) => `/api/runs/${name.split("/").map(encodeURIComponent).join("/")}`;

const AGAIN = 3000;  // milliseconds

// Follows a run: `told` hears "history", "more" and "state" with their data, "gone" when the server knows no such run, and
// "failed" with an error. Returns what ends it.
export function follow(api, name, told) {
  const ending = new AbortController(), { signal } = ending;
  (async () => {
    while (!signal.aborted) {
      try {
        for await (const { event, data } of api.events(`${addressOfRun(name)}/events`, { signal })) told(event, JSON.parse(data));
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 404) told("gone");
        else told("failed", error);
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  })();
  return () => ending.abort();
}
