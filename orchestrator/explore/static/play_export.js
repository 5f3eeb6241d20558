// Follows play_view.js in a page without a server: finds answers in what was computed before.

const page = document.getElementById("play");
const stored = await unpack(document.getElementById("predictions").textContent);

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** Return the number of the point of `controls`, of all combinations of the axes. */
function pointOf(controls) {
  return stored.axes.reduce((point, [name, values]) => point * values.length + values.indexOf(controls[name]), 0);
}

const textOf = (pieces) => pieces.map((each) => stored.pieces[each]).join("");

/** Return the one axis on which two controls differ, as its number; -1 if it is not one. */
function movedAxis(one, other) {
  const moved = stored.axes.map(([name], axis) => (one[name] === other[name] ? -1 : axis)).filter((axis) => axis >= 0);
  return moved.length === 1 ? moved[0] : -1;
}

function answerOf(controls, before) {
  const point = stored.points[pointOf(controls)];
  const axis = movedAxis(controls, before);
  const sentence = axis < 0 ? point.sentence : point.moves[axis][stored.axes[axis][1].indexOf(before[stored.axes[axis][0]])];
  return Promise.resolve({ sentence: textOf(sentence), picture: textOf(point.picture), yaml: textOf(point.yaml) });
}

play(page, answerOf);
