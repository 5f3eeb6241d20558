// A text area with the numbers of its lines beside it; those of lines with errors are marked.

/** Number the lines of the text area in `box`. Returns `show`, for a text that a script has set, and `mark`. */
export function numbered(box) {
  const [numbers, area] = ["[data-numbers]", "textarea"].map((each) => box.querySelector(each));
  let marked = [];

  function follow() {
    numbers.scrollTop = area.scrollTop;
  }

  function show() {
    const all = area.value.split("\n").map((_, index) => index + 1);
    numbers.textContent = all.map((each) => (marked.includes(each) ? `\u25b6${each}` : each)).join("\n");
    follow();
  }

  function select(number) {
    const lines = area.value.split("\n");
    const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
    area.scrollTop = (area.scrollHeight / lines.length) * (number - 3); // with two lines above it
  }

  /** Mark `lines`, by their numbers, and select the first of them; without any, mark none. */
  function mark(lines) {
    marked = lines;
    show();
    if (lines.length) select(lines[0]);
  }

  area.addEventListener("scroll", follow);
  area.addEventListener("input", () => mark([]));
  show();
  return { show: () => mark([]), mark };
}
