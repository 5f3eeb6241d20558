// The controls of Play and what they show. Where an answer comes from is for the caller to say:
// from the server, or from what was computed before for a page without one.

/** Return a duration in the words of the page; 0 is that of a message or a client that is absent. */
function duration(ms) {
  if (ms === 0) return "none";
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}

const KEPT = "This is the scenario of the picture. Your own text is kept: \u201cBack to my text\u201d shows it again.";

/** Let the controls in `panel` ask `answerOf(controls, before)`, and show each answer that it promises. */
export function play(panel, answerOf) {
  const form = panel.querySelector("form");
  const told = panel.querySelector("[data-told]");
  const yaml = panel.querySelector("[data-yaml]");
  const picture = panel.querySelector("[data-picture]");
  const hint = panel.querySelector("[data-hint]");
  const back = panel.querySelector('[data-act="back"]'); // absent if the text cannot be edited
  let typed = null; // the text that somebody has typed, and that of a picture has replaced
  let isTyped = false;
  let shown = JSON.parse(form.dataset.chosen); // what the picture belongs to
  let isAsking = false;
  let drawn = 0;

  const stopsOf = (slider) => slider.dataset.stops.split(" ").map(Number);
  const sliders = () => [...form.querySelectorAll('input[type="range"]')];

  function read() {
    const controls = { ...shown };
    for (const each of form.querySelectorAll("select")) {
      if (each.name !== "model" && each.name !== "beside") controls[each.name] = each.value;
    }
    for (const each of sliders()) controls[each.name] = stopsOf(each)[Number(each.value)];
    if (form.elements.model) {
      const { model, beside } = form.elements;
      controls.models = [...new Set([model.value, beside.value].filter(Boolean))];
    }
    return controls;
  }

  function write(controls) {
    for (const each of sliders()) {
      const stops = [...new Set([...stopsOf(each), controls[each.name]])].sort((a, b) => a - b);
      each.dataset.stops = stops.join(" ");
      each.max = String(stops.length - 1);
      each.value = String(stops.indexOf(controls[each.name]));
    }
    for (const each of form.querySelectorAll("select")) {
      if (each.name in controls) each.value = controls[each.name];
    }
    if (form.elements.model) {
      form.elements.model.value = controls.models[0];
      form.elements.beside.value = controls.models[1] ?? "";
    }
    label();
  }

  function label() {
    const { load } = read();
    for (const each of form.querySelectorAll("[data-load]")) each.hidden = each.dataset.load !== load;
    for (const each of sliders()) {
      const value = stopsOf(each)[Number(each.value)];
      const { unit } = each.dataset;
      const text = unit === "ms" ? duration(value) : `${value} ${unit}`.trim();
      each.previousElementSibling.querySelector("[data-value]").textContent = text;
      each.setAttribute("aria-valuetext", text);
    }
  }

  function show(answer, controls) {
    shown = controls;
    panel.querySelector("[data-sentence]").textContent = answer.sentence;
    picture.replaceChildren(...new DOMParser().parseFromString(answer.picture, "text/html").body.childNodes);
    picture.classList.remove("play-late");
    if (isTyped) keep(yaml.value);
    yaml.value = answer.yaml;
    drawn += 1;
    panel.dataset.drawn = String(drawn);
  }

  /** Keep a text that is about to be replaced. */
  function keep(text) {
    typed = text;
    isTyped = false;
    back.hidden = false;
  }

  /** Ask for what the controls say now; while an answer is under way, only the last move counts. */
  async function redraw() {
    label();
    if (isAsking) return;
    isAsking = true;
    try {
      for (let now = read(); !isSame(now, shown); now = read()) {
        show(await answerOf(now, shown), now);
      }
      told.textContent = back && !back.hidden ? KEPT : "";
    } catch (error) {
      told.textContent = error.message;
      picture.classList.add("play-late");
    } finally {
      isAsking = false;
    }
  }

  const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  const ACTS = {
    async copy() {
      try {
        await navigator.clipboard.writeText(yaml.value);
        told.textContent = "Copied.";
      } catch {
        yaml.select();
        told.textContent = "The text is selected; copy it with Ctrl+C.";
      }
    },
    download() {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([yaml.value], { type: "application/yaml" }));
      link.download = "mine.yaml";
      link.click();
      URL.revokeObjectURL(link.href);
    },
    back() {
      yaml.value = typed;
      isTyped = true;
      back.hidden = true;
      yaml.focus();
      told.textContent = "This is your own text. The picture does not belong to it.";
    },
  };

  form.addEventListener("input", redraw);
  form.addEventListener("focusin", (event) => {
    const meaning = document.getElementById(event.target.getAttribute("aria-describedby"));
    if (meaning) hint.textContent = meaning.textContent;
  });
  yaml.addEventListener("input", () => { isTyped = true; });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of panel.querySelectorAll("[data-act]")) {
    if (button.dataset.act in ACTS) button.addEventListener("click", ACTS[button.dataset.act]);
  }
  write(shown);
  panel.dataset.drawn = String(drawn);

  /** Set the controls, and show what belongs to them. */
  return async function set(controls) {
    write(controls);
    await redraw();
  };
}
