// The page Write: the models of the server, and the desk of one of them.

import "./write_words.js";
import { Desk } from "./desk.js";
import { hashOf } from "./route.js";
import { ServerService } from "./server_service.js";
import { byId, make } from "./symbols.js";
import { currentLanguage, speak, word } from "./words.js";

class Write {
  desk = null;
  opening = 0;  // counts the models that were chosen

  constructor(api) {
    this.api = api;
    this.blank = byId("main").cloneNode(true);
    byId("model").addEventListener("change", () => { location.hash = hashOf("write", { model: byId("model").value }); });
    this.empty = byId("empty");
    api.addEventListener("back", () => this.list().catch(() => null));
  }

  // Reads which models there are.
  async list() {
    const { data } = await this.api.get("/v1/models");
    const names = data.map(({ id }) => id), chosen = byId("model").value;
    byId("model").replaceChildren(...names.map((name) => make("option", { value: name, textContent: name })));
    if (names.includes(chosen)) byId("model").value = chosen;
    byId("model-field").hidden = byId("main").hidden = names.length === 0;
    byId("empty").hidden = names.length > 0;
    return names;
  }

  async shown(settings) {
    let names = [...byId("model").options].map(({ value }) => value);
    const wanted = settings.get("model");
    if (!names.length || (wanted !== null && !names.includes(wanted))) names = await this.list();
    const name = names.includes(wanted) ? wanted : this.desk?.spec.name ?? names[0];
    if (name === undefined) return;
    if (name !== this.desk?.spec.name) await this.open(name);
    if (wanted !== null && wanted !== name) byId("status").textContent = word("unknownModel", wanted);
  }

  // Opens the desk of a model, with what the user had begun at that of another.
  async open(name) {
    const mine = ++this.opening, begun = this.desk && { prompt: byId("prompt").value, own: byId("own").value };
    byId("model").value = name;
    const service = new ServerService(this.api, name);
    const model = await service.ask("load").catch((error) => {
      if (this.desk && mine === this.opening) byId("model").value = this.desk.spec.name;
      throw error;
    });
    if (mine !== this.opening) return;
    this.close();
    byId("main").replaceWith(this.blank.cloneNode(true));
    speak(currentLanguage());
    this.desk = new Desk({ name }, service, model);
    if (begun?.prompt && !byId("prompt").value) this.desk.begin(begun.prompt, null);
    if (begun?.own) this.desk.measure(begun.own);
  }

  close() {
    this.desk?.service.stop();
    this.desk?.closed.abort();
  }

  speak() {
    this.desk?.speak(currentLanguage());
  }
}

export async function start(root, api) {
  const page = new Write(api);
  speak(currentLanguage());
  if (byId("status")) byId("status").textContent = word("loading");
  return page;
}
