// Shows pieces as they come, or at a pace that eyes can follow.

const FRAME = 16, RARELY = 100;  // milliseconds between two looks

export class Reveal {
  waiting = new Map();  // number of a text -> what is not shown yet
  shown = new Map();  // number of a text -> characters that are shown
  done = false;

  // `pace` is in characters of each text a second; null for at once. `signal` ends it.
  constructor(pace, show, signal) {
    Object.assign(this, { pace, show, signal, began: performance.now() });
    this.timer = setInterval(() => this.look(), pace === null ? RARELY : FRAME);
    this.ended = new Promise((resolve) => { this.end = resolve; });
  }

  add(index, piece) {
    this.waiting.set(index, (this.waiting.get(index) ?? "") + piece);
  }

  // Shows what is due. Who comes late is not shown faster for it.
  look() {
    if (this.signal.aborted) return this.close();
    const now = performance.now(), due = this.pace === null ? Infinity : Math.floor(((now - this.began) * this.pace) / 1000);
    if (due === 0) return undefined;
    this.began = this.pace === null ? now : this.began + (due * 1000) / this.pace;
    const pieces = [];
    for (const [index, text] of this.waiting) {
      const characters = due === Infinity ? [text] : Array.from(text.slice(0, 2 * due)).slice(0, due);
      const piece = characters.join(""), rest = text.slice(piece.length);
      pieces.push([index, piece]);
      this.shown.set(index, (this.shown.get(index) ?? 0) + piece.length);
      if (rest) this.waiting.set(index, rest);
      else this.waiting.delete(index);
    }
    if (pieces.length) this.show?.(pieces);
    return this.done && this.waiting.size === 0 ? this.close() : undefined;
  }

  close() {
    clearInterval(this.timer);
    this.end();
  }

  // Waits until all is shown, or it was stopped; returns a function that cuts a text to what is shown.
  async finished() {
    this.done = true;
    if (this.signal.aborted || this.pace === null) this.close();
    else this.look();
    await this.ended;
    const cut = this.signal.aborted && this.pace !== null;
    return (index, text) => (cut ? text.slice(0, this.shown.get(index) ?? 0) : text);
  }
}
