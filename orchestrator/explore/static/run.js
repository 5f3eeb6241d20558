// Runs a scenario, and shows what the server sends of it until it has ended.
import { markup, post, valuesAt } from "./explore.js";
import { numbered } from "./numbered.js";

const panel = document.getElementById("run");
const find = (selector) => panel.querySelector(selector);
const [form, line, result, cases] = [".run-form", "[data-line]", "[data-result]", "[data-cases]"].map(find);
const [start, stop, faultLine] = ["[data-start]", "[data-stop]", "[data-fault-line]"].map(find);
const faults = [...panel.querySelectorAll("[data-fault]")];
const yaml = numbered(find(".numbered"));
let isFollowing = false;
let shown = null; // the run whose pictures are here, or were last
let order = null; // what was asked for in that run
let cleared = null;

function place(slug) {
  const section = document.createElement("section");
  section.className = "card";
  section.dataset.case = slug;
  return section;
}

const typed = ["name", "yaml"].map((each) => form.elements[each]);

function takeUp(taken) { // the form has the scenario of the run, unless the user has typed one
  if (order === null && typed.every((each) => each.value === each.defaultValue)) {
    for (const [name, value] of Object.entries(taken)) form.elements[name].value = value;
    yaml.show();
  }
  order = taken;
}

function sayWhose() { // the form may hold another scenario than that of the run whose pictures are here
  const isSame = typed.every((each) => each.value === order?.[each.name]);
  const whose = `The run shown here: ${order?.name}${isSame ? "" : "; the scenario or the name above is another"}`;
  find("[data-of]").textContent = order === null || shown === cleared ? "" : whose;
}

function show(values) {
  if (values.cases) cases.replaceChildren(...values.cases.map(place));
  if (values.phase) {
    const isOver = values.phase === "ended";
    start.disabled = !isOver;
    stop.disabled = isOver || values.phase === "stopping";
    panel.dataset.phase = values.phase;
    if (values.phase === "starting") faultLine.textContent = "";
  }
  if (values.load !== undefined) { // whether a server is under load
    if (!values.load && faults.includes(document.activeElement)) line.focus();
    for (const button of faults) button.disabled = !values.load;
  }
  if (values.forestalled) faultLine.textContent = values.forestalled;
  if (values.note !== undefined) find("[data-note]").textContent = values.note;
  if (values.line !== undefined) line.textContent = values.line;
  if (values.result !== undefined) result.replaceChildren(...markup(values.result));
  for (const [name, text] of Object.entries(values)) {
    const [kind, slug] = name.split(/:(.*)/s);
    const section = [...cases.children].find((each) => each.dataset.case === slug);
    if (kind === "scene" && section) section.replaceChildren(...markup(text));
  }
}

async function follow() {
  if (isFollowing) return;
  isFollowing = true;
  try {
    for await (const values of valuesAt("run/follow")) {
      if (values.run !== undefined && values.run === cleared) break;
      shown = values.run ?? shown;
      if (values.order) takeUp(values.order);
      sayWhose();
      show(values);
    }
  } catch (error) {
    line.textContent = `The connection is lost: ${error.message}`;
  } finally {
    isFollowing = false;
  }
}

function clear() { // what is here is not of the scenario that is asked for now
  cleared = shown;
  for (const each of [result, cases]) each.replaceChildren();
  for (const each of [find("[data-note]"), faultLine, line]) each.textContent = "";
  sayWhose();
  yaml.mark([]);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  start.disabled = true;
  clear();
  line.focus(); // a disabled button has no focus
  try {
    const answer = await (await post("run/start", Object.fromEntries(new FormData(form)))).json();
    yaml.mark(answer.lines);
    if (answer.refused) throw new Error(answer.refused);
  } catch (error) {
    line.textContent = error.message;
    start.disabled = false;
  }
  await follow(); // if another page has started one, that
});

stop.addEventListener("click", async () => {
  stop.disabled = true;
  line.focus();
  try {
    await post("run/stop", {});
  } catch (error) {
    line.textContent = error.message;
  }
});

async function inject(button) {
  faultLine.textContent = `${button.dataset.fault}: asked for`;
  try {
    const answer = await (await post("run/fault", { label: button.dataset.fault })).json();
    faultLine.textContent = answer.line;
  } catch (error) {
    faultLine.textContent = error.message;
  }
}

for (const button of faults) button.addEventListener("click", () => inject(button));
form.addEventListener("input", sayWhose);

panel.addEventListener("shown", follow);
addEventListener("focus", () => panel.hidden || follow()); // another page may have started a run
panel.addEventListener("scenario", (event) => { // from another tab
  form.elements.yaml.value = event.detail;
  yaml.show();
  form.elements.name.value = "play";
  sayWhose();
});
