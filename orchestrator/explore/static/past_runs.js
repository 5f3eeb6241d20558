// The list of past runs, read anew each time the tab is shown.
import { get, markup } from "./explore.js";

const panel = document.getElementById("past_runs");
const list = panel.querySelector("[data-list]");

async function refresh() {
  try {
    list.replaceChildren(...markup(await (await get("past_runs/list")).text()));
  } catch (error) {
    list.textContent = error.message;
  }
}

panel.addEventListener("shown", refresh);
