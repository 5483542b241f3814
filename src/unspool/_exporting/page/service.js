// The engine as the page asks it: in a worker, or in slices in the page where there are none.

export class Service {
  // Starts the engine from its source.
  static async started(source) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const service = new Service();
    try {
      await service.connect(new Worker(url, { type: "module" }));
    } catch {  // a browser without workers, or one that refuses them here
      const { serve } = await import(url);
      const receive = serve((answer) => service.answered(answer));
      service.send = (message) => void receive(structuredClone(message));
    }
    return service;
  }

  asked = new Map();
  count = 0;

  // Waits until a worker answers a first question, or fails to start.
  connect(worker) {
    this.send = (message) => worker.postMessage(message);
    worker.onmessage = (event) => this.answered(event.data);
    return new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      this.ask("hello").then(resolve, resolve);  // "hello" is unknown to it, and that is an answer
    });
  }

  answered({ id, type, ...answer }) {
    const one = this.asked.get(id);
    if (one === undefined) return;
    if (type === "pieces") {
      one.onPieces?.(answer.pieces);
      return;
    }
    this.asked.delete(id);
    if (type === "failed") one.reject(new Error(answer.message));
    else one.resolve(answer);
  }

  // Returns a promise of the answer to a question.
  ask(type, question = {}, onPieces = null) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject, onPieces });
      this.send({ id, type, ...question });
    });
  }

  stop() {
    this.send({ type: "stop" });
  }
}

// Returns a function that runs `work` a little after its last call, and hands on only the last answer.
export function latest(milliseconds, work, take) {
  let timer = null, last = 0;
  return () => {
    clearTimeout(timer);
    const mine = ++last;
    timer = setTimeout(async () => {
      const answer = await work().catch((error) => ({ error }));
      if (mine === last) take(answer);
    }, milliseconds);
  };
}
