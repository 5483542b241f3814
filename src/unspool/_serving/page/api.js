// The server as the pages ask it: with the key and the token, errors as sentences, streams of events.
//
//   await api.get("/v1/models")                                a promise of what the JSON of the answer says
//   await api.post("/v1/score", { model, input })              likewise; { signal } as third argument aborts it
//   await api.send("POST", "/api/corpora?name=…", file)        likewise; a file or a string is sent as it is
//   for await (const chunk of api.stream(path, body, { signal }))   the JSON of each event, up to [DONE]
//   for await (const { event, data, id } of api.events(path, { signal }))   events, for ever: it comes back by itself
//   api.addEventListener("gone" | "back", …)                   the server is not there; it is there again
//
// What fails throws an ApiError, whose message is a sentence for people. Aborting throws the AbortError of fetch.

import { refusalInWords } from "./refusal_words.js";
import { word } from "./words.js";

const HEARTBEAT = 4000, WHILE_GONE = 700, PATIENCE = 8000;  // milliseconds
const KEY = "unspool-key";
export const BASE = new URL("../", import.meta.url);  // where the server is, which may be below a path of a proxy

export class ApiError extends Error {
  constructor(message, { status = 0, param = null, code = null, told = message } = {}) {
    super(message);
    Object.assign(this, { status, param, code, told });  // what the server told, in its own words
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const aborted = (error) => error?.name === "AbortError";

class Api extends EventTarget {
  here = true;  // whether the server answered when it was last asked
  key = kept();
  askForKey = async () => null;  // the shell puts a dialog here: (was refused) -> key or null
  token = document.querySelector('meta[name="unspool-token"]')?.content ?? "";

  get = (path, options) => this.send("GET", path, undefined, options);
  post = (path, body, options) => this.send("POST", path, body, options);
  remove = (path, options) => this.send("DELETE", path, undefined, options);

  // Sends a body, an object as JSON and all else as it is, and returns what the JSON of the answer says.
  async send(method, path, body, options) {
    const response = await this.fetched(method, path, body, options);
    return response.status === 204 ? null : (await this.reading(response, (one) => one.json()));
  }

  // Yields the JSON of each event of a stream, up to [DONE].
  async *stream(path, body, { signal } = {}) {
    const response = await this.fetched("POST", path, body, { signal });
    for await (const { data } of this.eventsOf(response)) {
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw refusal(chunk.error, response.status);
      yield chunk;
    }
    this.lost();
    throw new ApiError(word("brokenOff"));
  }

  // Yields events, {event, data, id}, and goes on after the last one when the server was away; ends at an event
  // named "end".
  async *events(path, { signal, lastId = null } = {}) {
    while (!signal?.aborted) {
      try {
        const headers = { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) };
        const response = await this.fetched("GET", path, undefined, { signal, headers });
        for await (const one of this.eventsOf(response)) {
          if (one.id !== null) lastId = one.id;
          if (one.event === "end") return;
          yield one;
        }
      } catch (error) {
        if (aborted(error) || (error instanceof ApiError && error.status >= 400 && error.status < 500)) throw error;
      }
      await pause(WHILE_GONE);
      if (!this.here) await this.returned(signal);
    }
  }

  // Returns the answer to a request, once the server has the key it wants.
  async fetched(method, path, body, { signal, headers = {} } = {}) {
    let refused = false;
    for (let renewed = false; ; ) {
      const response = await this.asked(method, path, body, signal, headers);
      if (response.ok) return response;
      const error = await errorOf(response);
      if (error.status === 401 && (await this.newKey(refused || this.key !== ""))) refused = true;
      else if (error.code === "invalid_token" && !renewed) {
        renewed = true;
        if (!(await this.renewToken())) throw error;
      } else throw error;
    }
  }

  async asked(method, path, body, signal, headers) {
    const json = body !== undefined && typeof body !== "string" && !(body instanceof Blob);
    const all = { ...headers, ...this.headers(method) };
    if (json) all["content-type"] = "application/json";
    const content = json ? jsonOf(body) : body;
    try {
      const response = await fetch(addressOf(path), { method, body: content, headers: all, signal, cache: "no-store" });
      this.found();
      return response;
    } catch (error) {
      if (aborted(error)) throw error;
      this.lost();
      throw new ApiError(word("gone"));
    }
  }

  headers(method) {
    const key = this.key === "" ? {} : { authorization: `Bearer ${this.key}` };
    return method === "GET" ? key : { ...key, "x-unspool-token": this.token };
  }

  async *eventsOf(response) {
    try {
      yield* eventsOf(response.body);
    } catch (error) {
      if (aborted(error)) throw error;
      this.lost();
      throw new ApiError(word("brokenOff"));
    }
  }

  async reading(response, read) {
    try {
      return await read(response);
    } catch (error) {
      if (aborted(error)) throw error;
      this.lost();
      throw new ApiError(word("brokenOff"));
    }
  }

  // Asks the user for a key, once for all who wait for one; returns whether there is one.
  newKey(refused) {
    this.waiting ??= this.askForKey(refused).then((key) => {
      this.waiting = null;
      if (key === null) return false;
      keep((this.key = key));
      return true;
    });
    return this.waiting;
  }

  // Reads the token from the page anew: a server that was started again has another one.
  async renewToken() {
    const page = await fetch(BASE, { cache: "no-store" }).then((response) => response.text()).catch(() => "");
    const token = new DOMParser().parseFromString(page, "text/html").querySelector('meta[name="unspool-token"]')?.content;
    const changed = token !== undefined && token !== this.token;
    this.token = token ?? this.token;
    return changed;
  }

  lost() {
    if (!this.here) return;
    this.here = false;
    this.dispatchEvent(new Event("gone"));
  }

  found() {
    if (this.here) return;
    this.here = true;
    this.dispatchEvent(new Event("back"));
  }

  // Waits until the server is there again, or it is no longer waited for.
  returned(signal) {
    if (this.here || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.addEventListener("back", resolve, { once: true });
      signal?.addEventListener("abort", resolve, { once: true });
    });
  }

  // Asks now and then whether the server is there, more often while it is not; for ever.
  async watch() {
    for (;;) {
      await pause(this.here ? HEARTBEAT : WHILE_GONE);
      if (this.here && document.hidden) continue;
      try {
        await fetch(addressOf("/health"), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
        if (!this.here) await this.renewToken();
        this.found();
      } catch {
        this.lost();
      }
    }
  }
}

// Returns the address of a path of the server.
export const addressOf = (path) => new URL(path.slice(1), BASE);

// Returns an object as JSON; at its first level a BigInt is a number with all its digits.
export function jsonOf(body, inLines = false) {
  const [open, between, close] = inLines ? ["{\n    ", ",\n    ", "\n  }"] : ["{", ",", "}"];
  const parts = Object.entries(body).filter(([, value]) => value !== undefined);
  const written = parts.map(([name, value]) => `${JSON.stringify(name)}: ${typeof value === "bigint" ? value : JSON.stringify(value)}`);
  return `${open}${written.join(between)}${close}`;
}

// Yields the events of a body, {event, data, id}, as the standard of EventSource has them.
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", one = { event: "message", data: [], id: null };
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (text + value).split(/\r\n|\n|\r(?!$)/);
      text = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (one.data.length) yield { ...one, data: one.data.join("\n") };
          one = { event: "message", data: [], id: null };
          continue;
        }
        const [, name, content = ""] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (name === "data") one.data.push(content);
        else if (name === "event" || name === "id") one[name] = content;
      }
    }
  } finally {
    reader.cancel().catch(() => null);  // who stops to read stops the server
  }
}

function refusal(error, status) {
  return new ApiError(refusalInWords(error), { ...error, status, told: error.message });
}

// Returns the error of an answer, in words.
async function errorOf(response) {
  const { status, statusText } = response;
  try {
    const { error } = await response.json();
    return refusal(error, status);
  } catch {  // an answer of something in between, as a proxy
    return new ApiError(word("noReason", `${status} ${statusText}`.trim()), { status });
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {  // a browser that keeps nothing
    return "";
  }
}

function keep(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {  // it is asked for again next time
  }
}

export const api = new Api();
