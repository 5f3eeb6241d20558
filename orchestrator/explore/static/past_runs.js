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

// The older of two runs comes first: the list has the newest first.
list.addEventListener("change", () => {
  const picked = [...list.querySelectorAll("[data-pick]:checked")].map((each) => each.value).reverse();
  const [link, hint] = ["[data-beside]", "[data-hint]"].map((each) => list.querySelector(each));
  if (!link) return;
  link.hidden = picked.length !== 2;
  hint.hidden = !link.hidden;
  link.href = `past_runs/beside?${new URLSearchParams(picked.map((each) => ["run", each]))}`;
});

list.addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = list.querySelector("[data-trend]");
  try {
    const asked = new URLSearchParams(new FormData(event.target));
    place.replaceChildren(...markup(await (await get(`past_runs/trend?${asked}`)).text()));
  } catch (error) {
    place.textContent = error.message;
  }
});

panel.addEventListener("shown", refresh);
