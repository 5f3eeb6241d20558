// Play: each move of a control is answered by the server; a scenario can be loaded back.
import { goTo, post } from "./explore.js";
import { play } from "./play_view.js";

const panel = document.getElementById("play");
const told = panel.querySelector("[data-told]");

const set = play(panel, async (controls, before) => (await post("play/redraw", { controls, before })).json());

async function load(text) {
  try {
    const found = await (await post("play/load", { yaml: text })).json();
    await set(found.controls);
    told.textContent = ["The controls are set.", ...found.remarks].join("\n");
  } catch (error) {
    told.textContent = error.message;
  }
}

panel.querySelector('[data-act="load"]').addEventListener("click", () => load(panel.querySelector("[data-yaml]").value));
panel.querySelector('[data-act="run"]').addEventListener("click", () => {
  const detail = panel.querySelector("[data-yaml]").value;
  document.getElementById("run").dispatchEvent(new CustomEvent("scenario", { detail }));
  goTo("run");
});
panel.querySelector("[data-file]").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) await load(await file.text());
  event.target.value = ""; // so that the same file can be chosen again
});
