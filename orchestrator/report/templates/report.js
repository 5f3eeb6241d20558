
"use strict";
// Theme, layers, zoom, and the message of a bar. Reads the page's own numbers; writes text, never markup.
(() => {
  const UNITS = 100000;
  const LEAST_WIDTH = UNITS / 5000; // zoomed in further, the rounding of bars becomes visible
  const UNKNOWN = -1;
  const root = document.documentElement;
  const tip = document.getElementById("tip");
  root.classList.add("js");

  // -- theme ----------------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : wantsDark.matches);
  const nameTheme = () => {
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-pressed", String(Boolean(root.dataset.theme)));
  };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  wantsDark.addEventListener("change", nameTheme);
  nameTheme();

  // -- layers ---------------------------------------------------------------------------------
  for (const box of document.querySelectorAll("[data-layer]")) {
    box.addEventListener("change", () => root.classList.toggle(`no-${box.dataset.layer}`, !box.checked));
  }

  // -- the axis that all timelines share ------------------------------------------------------
  const shared = document.getElementById("timelines");
  if (!shared) return; // a page without timelines
  const timelines = [...document.querySelectorAll(".timeline")].map(read);
  const spanUs = Number(shared.dataset.spanUs);
  const view = { begin: 0, width: UNITS };
  const toUs = (unit) => (unit / UNITS) * spanUs;
  const toUnits = (us) => (us / spanUs) * UNITS;

  function look(begin, width) {
    view.width = Math.min(UNITS, Math.max(LEAST_WIDTH, width));
    view.begin = Math.min(UNITS - view.width, Math.max(0, begin));
    for (const each of timelines) {
      const height = each.zoom.viewBox.baseVal.height;
      each.zoom.setAttribute("viewBox", `${view.begin} 0 ${view.width} ${height}`);
      drawTicks(each.element.querySelector(".ticks"));
      for (const flag of each.element.querySelectorAll("[data-at]")) {
        const share = (Number(flag.dataset.at) - view.begin) / view.width;
        flag.setAttribute("x", `${100 * share}%`);
        flag.style.display = share < 0 || share > 1 ? "none" : "";
      }
    }
  }

  function zoomBy(factor, at = view.begin + view.width / 2) {
    const width = Math.min(UNITS, Math.max(LEAST_WIDTH, view.width * factor));
    look(at - ((at - view.begin) * width) / view.width, width);
  }

  function drawTicks(group) {
    const spanOfView = toUs(view.width);
    const step = roundStep(spanOfView / 8);
    const [size, unit] = step >= 500000 ? [1e6, "s"] : step >= 500 ? [1e3, "ms"] : [1, "us"];
    const first = Math.ceil(toUs(view.begin) / step - 1e-9);
    const marks = [];
    for (let number = first; number * step <= toUs(view.begin) + spanOfView; number += 1) {
      const percent = (100 * (number * step - toUs(view.begin))) / spanOfView;
      const label = `${Number(((number * step) / size).toPrecision(9))} ${unit}`;
      const anchor = percent < 2 ? "start" : percent > 94 ? "end" : "middle";
      const height = Number(group.dataset.y);
      marks.push(
        element("line", { class: "grid", x1: `${percent}%`, x2: `${percent}%`, y1: 18, y2: height + 4 }),
        element("text", { class: number % 2 ? "odd" : "", x: `${percent}%`, y: height + 20, "text-anchor": anchor }, label),
      );
    }
    group.replaceChildren(...marks);
  }

  function roundStep(least) {
    const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
  }

  function element(name, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  // -- the message of a bar -------------------------------------------------------------------
  function read(holder) {
    const numbers = JSON.parse(document.getElementById(holder.id.replace("timeline", "messages")).textContent);
    const lanes = numbers.connections.map(([y, height, name]) => ({ y, height, name, messages: [] }));
    const workers = numbers.workers.map(([y, height, name]) => ({ y, height, name, messages: [] }));
    const ofWorker = new Map(workers.map((lane) => [Number(lane.name.split(" ").pop()), lane]));
    for (let at = 0; at < numbers.messages.length; at += numbers.columns) {
      const [lane, number, worker, outcome, due, ...since] = numbers.messages.slice(at, at + numbers.columns);
      const [sent, accepted, started, finished, ended] = since.map((us) => (us === UNKNOWN ? null : due + us));
      const message = {
        number, worker, due, sent, accepted, started, finished, ended,
        outcome: numbers.outcomes[outcome], lane: lanes[lane],
      };
      lanes[lane].messages.push(message);
      if (started !== null) ofWorker.get(worker)?.messages.push(message);
    }
    const zoom = holder.querySelector(".zoom");
    const picture = holder.querySelector(".lanes"); // whose box, unlike that of an inner svg, is its own
    return { element: holder, picture, zoom, lanes: [...workers, ...lanes], workers, chosen: null };
  }

  function time(us) {
    if (us >= 1e6) return `${(us / 1e6).toFixed(3)} s`;
    return us >= 1e3 ? `${(us / 1e3).toFixed(1)} ms` : `${us} us`;
  }

  function describe(message) {
    const lines = [`${message.lane.name}, message ${message.number}: due at ${time(message.due)}`];
    const stage = (name, begin, end) => {
      if (begin !== null && end !== null && end > begin) lines.push(`${name} ${time(end - begin)}`);
    };
    const taken = message.started ?? message.ended;
    const accepted = Math.min(message.accepted ?? message.sent, taken);
    stage("not sent yet", message.due, message.sent);
    stage("accept queue", message.sent, accepted);
    stage("application's queue", Math.max(message.sent, accepted), message.started);
    stage(`in service${message.worker ? ` of worker ${message.worker}` : ""}`, message.started, message.finished);
    stage("answer", message.finished, message.ended);
    lines.push(`${message.outcome} at ${time(message.ended)}, ${time(message.ended - message.due)} after it was due`);
    return lines.join("\n");
  }

  const beginOf = (lane, each, timeline) => (timeline.workers.includes(lane) ? each.started : each.due);
  const endOf = (lane, each, timeline) => (timeline.workers.includes(lane) ? (each.finished ?? each.ended) : each.ended);

  function find(timeline, clientX, clientY) {
    const box = timeline.picture.getBoundingClientRect();
    const y = clientY - box.top;
    const lane = timeline.lanes.find((each) => y >= each.y && y < each.y + each.height);
    if (!lane) return null;
    const us = toUs(view.begin + ((clientX - box.left) / box.width) * view.width);
    const slack = toUs(view.width) / box.width; // a pixel
    const near = lane.messages.filter(
      (each) => us >= beginOf(lane, each, timeline) - slack && us <= endOf(lane, each, timeline) + slack,
    );
    const isServed = (each) => each.started !== null && us >= each.started - slack && us <= (each.finished ?? each.ended) + slack;
    return near.length ? { lane, message: near.find(isServed) ?? near[0], rest: near.length - 1 } : null;
  }

  function mark(timeline, lane, message) {
    const cursor = timeline.zoom.querySelector(".cursor");
    if (!message) return cursor.setAttribute("d", "");
    const begin = toUnits(beginOf(lane, message, timeline));
    const end = Math.max(toUnits(endOf(lane, message, timeline)), begin + view.width / 1000);
    return cursor.setAttribute("d", `M${begin} ${lane.y}H${end}v${lane.height}H${begin}z`);
  }

  function showTip(event, found) {
    tip.hidden = !found;
    if (!found) return;
    const more = found.rest ? [`and ${found.rest} more at this instant`] : [];
    tip.textContent = [describe(found.message), ...more].join("\n");
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - width - 8);
    const above = event.clientY + 18 + height > innerHeight;
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${above ? Math.max(event.clientY - height - 12, 4) : event.clientY + 18}px`;
  }

  // -- pointer, wheel, keys -------------------------------------------------------------------
  const BUTTONS = {
    in: () => zoomBy(0.5),
    out: () => zoomBy(2),
    left: () => look(view.begin - view.width / 4, view.width),
    right: () => look(view.begin + view.width / 4, view.width),
    all: () => look(0, UNITS),
  };
  const KEYS = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all", Home: "all" };

  function choose(timeline, laneStep, messageStep) {
    const { lanes } = timeline;
    const old = timeline.chosen ?? { lane: laneStep < 0 ? 0 : -laneStep, message: messageStep > 0 ? -1 : 0 };
    const lane = Math.min(Math.max(old.lane + laneStep, 0), lanes.length - 1);
    const { messages } = lanes[lane];
    const wanted = laneStep ? 0 : old.message + messageStep;
    const message = Math.min(Math.max(wanted, 0), messages.length - 1);
    timeline.chosen = { lane, message };
    const line = timeline.element.querySelector(".told");
    if (!messages.length) {
      line.textContent = `${lanes[lane].name}: no messages`;
      return mark(timeline, null, null);
    }
    const begin = toUnits(beginOf(lanes[lane], messages[message], timeline));
    if (begin < view.begin || begin > view.begin + view.width) look(begin - view.width / 4, view.width);
    line.textContent = `${lanes[lane].name}: ${describe(messages[message]).replaceAll("\n", "; ")}`;
    return mark(timeline, lanes[lane], messages[message]);
  }

  const STEPS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], n: [0, 1], p: [0, -1] };

  function onKey(timeline, event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== timeline.element) return;
    if (event.key in STEPS) choose(timeline, ...STEPS[event.key]);
    else if (event.key in KEYS) BUTTONS[KEYS[event.key]]();
    else if (event.key === "Escape") showTip(event, null);
    else return;
    event.preventDefault();
  }

  function onWheel(timeline, event) {
    const box = timeline.picture.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      zoomBy(1.2 ** Math.sign(event.deltaY), view.begin + ((event.clientX - box.left) / box.width) * view.width);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const moved = event.deltaX || event.deltaY;
      look(view.begin + (moved / box.width) * view.width, view.width);
    } else return;
    event.preventDefault();
  }

  for (const timeline of timelines) {
    const { picture } = timeline;
    let drag = null;
    picture.addEventListener("pointermove", (event) => {
      const box = timeline.picture.getBoundingClientRect();
      if (drag && event.buttons) return look(drag.begin - ((event.clientX - drag.x) / box.width) * view.width, view.width);
      drag = null;
      const found = find(timeline, event.clientX, event.clientY);
      mark(timeline, found?.lane, found?.message);
      return showTip(event, found);
    });
    picture.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") drag = { x: event.clientX, begin: view.begin };
    });
    picture.addEventListener("pointerleave", (event) => {
      drag = null;
      mark(timeline, null, null);
      showTip(event, null);
    });
    timeline.element.addEventListener("wheel", (event) => onWheel(timeline, event), { passive: false });
    timeline.element.addEventListener("keydown", (event) => onKey(timeline, event));
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", BUTTONS[button.dataset.zoom]);
  }
})();
