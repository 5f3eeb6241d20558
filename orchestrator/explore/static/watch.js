// Shows the lanes of the server that is watched, as long as its tab is in sight.
import { markup, valuesAt } from "./explore.js";

const panel = document.getElementById("watch");
const [line, scene, hold] = ["[data-line]", "[data-scene]", "[data-hold]"].map((each) => panel.querySelector(each));
let isFollowing = false;
let last = "";

const isInSight = () => !panel.hidden && !document.hidden;
const isHeld = () => hold.getAttribute("aria-pressed") === "true";

function draw() {
  const focused = scene.contains(document.activeElement); // the table, which can be scrolled
  scene.replaceChildren(...markup(last));
  if (focused) scene.querySelector("[tabindex]")?.focus();
}

function show(values) {
  if (line.textContent !== values.line) line.textContent = values.line;
  last = values.scene;
  if (!isHeld()) draw();
}

async function follow() {
  if (isFollowing) return;
  isFollowing = true;
  try {
    for await (const values of valuesAt("watch/follow")) {
      show(values);
      if (!isInSight()) break;
    }
  } catch (error) {
    line.textContent = `The connection is lost: ${error.message}`;
  } finally {
    isFollowing = false;
  }
}

hold.addEventListener("click", () => {
  hold.setAttribute("aria-pressed", String(!isHeld()));
  if (!isHeld()) draw();
});
panel.addEventListener("shown", follow);
document.addEventListener("visibilitychange", () => isInSight() && follow());
addEventListener("focus", () => isInSight() && follow()); // the connection may have been lost
