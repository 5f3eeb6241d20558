// The tabs, and how the script of a tab asks for something.
//
// When a tab is shown, its panel gets the event "shown". The token is the first part of the path.

const tabs = [...document.querySelectorAll('[role="tab"]')];
const token = location.pathname.split("/")[1];
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

function show(tab) {
  for (const each of tabs) {
    const isShown = each === tab;
    each.setAttribute("aria-selected", String(isShown));
    each.tabIndex = isShown ? 0 : -1;
    panelOf(each).hidden = !isShown;
  }
  panelOf(tab).dispatchEvent(new Event("shown"));
}

function go(tab) {
  history.replaceState(null, "", `#${panelOf(tab).id}`);
  show(tab);
  tab.focus();
}

function showNamed() {
  show(tabs.find((tab) => `#${panelOf(tab).id}` === location.hash) ?? tabs[0]);
}

/** Show the tab `name`, and set the focus to it. */
export function goTo(name) {
  go(tabs.find((tab) => panelOf(tab).id === name));
}

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

for (const [place, tab] of tabs.entries()) {
  tab.addEventListener("click", () => go(tab));
  tab.addEventListener("keydown", (event) => {
    const next = { Home: tabs[0], End: tabs.at(-1) }[event.key]
      ?? (event.key in STEPS ? tabs[(place + STEPS[event.key] + tabs.length) % tabs.length] : null);
    if (next) {
      event.preventDefault();
      go(next);
    }
  });
}

addEventListener("hashchange", showNamed);
addEventListener("DOMContentLoaded", showNamed); // after the scripts of all tabs

/** Return the response to a GET of `path`, which is relative to the page. Throws what went wrong as a sentence. */
export async function get(path) {
  return answered(await asked(path, {}));
}

/** Return the response to a POST of `value`, as JSON, to `path`. Throws what went wrong as a sentence. */
export async function post(path, value) {
  const headers = { "x-lab-token": token, "content-type": "application/json" };
  return answered(await asked(path, { method: "POST", headers, body: JSON.stringify(value) }));
}

/** Yield each value that the server sends at `path`, a line of JSON each; leaving the loop ends the connection. */
export async function* valuesAt(path) {
  const reader = (await get(path)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      yield* lines.map((line) => JSON.parse(line));
    }
  } finally {
    await reader.cancel();
  }
}

/** Return the nodes of `text`, which the templates of this program have escaped; no script in it runs. */
export function markup(text) {
  return [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
}

async function asked(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("orchestrate.py explore does not answer: it has ended; start it again, and open the new address");
  }
}

async function answered(response) {
  if (!response.ok || response.headers.has("x-lab-refused")) throw new Error((await response.text()).trim() || response.statusText);
  return response;
}
