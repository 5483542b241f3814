// What the page begins with: unpacks the rest, and runs it.

import { unpacked } from "./unpack.js";

try {
  const { spec, engine, page } = await unpacked(document.getElementById("model").textContent);
  const { start } = await import(URL.createObjectURL(new Blob([page], { type: "text/javascript" })));
  await start(spec, engine);
} catch (error) {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The model cannot be started here; a newer browser may help. 模型无法在此启动，可换用较新的浏览器。 (${error.message})`;
  trouble.hidden = false;
  console.error(error);
}
