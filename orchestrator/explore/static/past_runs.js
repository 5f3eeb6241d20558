// The list of past runs, read anew each time the tab is shown.
import { get } from "./explore.js";

const panel = document.getElementById("past_runs");
const list = panel.querySelector("[data-list]");

async function refresh() {
  try {
    const text = await (await get("past_runs/list")).text();
    list.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  } catch (error) {
    list.textContent = error.message;
  }
}

panel.addEventListener("shown", refresh);
