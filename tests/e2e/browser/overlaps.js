() => {
  // Every pair of words that touch one another, or are cut off at the window's edge.
  // Sections far below are laid out only when they come into view.
  for (const each of document.querySelectorAll(".scene, .chart")) each.style.contentVisibility = "visible";
  const shown = [...document.querySelectorAll("svg text")].filter((each) => each.checkVisibility());
  const boxes = shown.map((each) => ({ text: each.textContent, box: each.getBoundingClientRect() }))
    .filter(({ text, box }) => text.trim() && box.width > 0)
    .sort((one, other) => one.box.top - other.box.top);
  const slack = 1.5; // a line box is a little higher than its letters
  const overlaps = [];
  boxes.forEach(({ text, box }, at) => {
    if (box.right > innerWidth + slack || box.left < -slack) overlaps.push(`${text} leaves the window`);
    for (let next = at + 1; next < boxes.length && boxes[next].box.top < box.bottom - slack; next += 1) {
      const other = boxes[next];
      const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (wide > -2 && high > 3.5) overlaps.push(`${text} touches ${other.text}`);
    }
  });
  return overlaps;
}
