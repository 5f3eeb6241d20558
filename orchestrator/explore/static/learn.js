// The lessons: a guess is graded by the server, and only then its answer is shown.
import { markup, post } from "./explore.js";

const panel = document.getElementById("learn");

/** Return the elements that the server answers to `value`. */
async function answerTo(path, value) {
  return markup(await (await post(`learn/${path}`, value)).text());
}

for (const form of panel.querySelectorAll("form")) {
  const lesson = form.closest("details");
  const place = lesson.querySelector("[data-answer]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const guesses = Object.fromEntries(new FormData(form));
    try {
      place.replaceChildren(...(await answerTo("grade", { lesson: Number(form.dataset.lesson), guesses })));
      const isDone = place.querySelectorAll(".good").length === form.querySelectorAll("input").length;
      lesson.querySelector("[data-mark]").textContent = isDone ? "✓ done" : "seen";
    } catch (error) {
      place.textContent = error.message;
    }
  });
}

const quiz = { seed: crypto.getRandomValues(new Uint32Array(1))[0] % 10000, number: 0, right: 0, answered: 0 };
const problem = panel.querySelector("[data-problem]");
const solution = panel.querySelector("[data-solution]");

panel.querySelector("[data-next]").addEventListener("click", async () => {
  try {
    quiz.number += 1;
    problem.replaceChildren(...(await answerTo("problem", { seed: quiz.seed, number: quiz.number })));
    solution.replaceChildren();
    problem.querySelector("[name=typed]").focus();
  } catch (error) {
    solution.textContent = error.message;
  }
});

problem.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  try {
    const { seed, number } = quiz;
    solution.replaceChildren(...(await answerTo("solve", { seed, number, typed: form.elements.typed.value })));
    for (const each of form.elements) each.disabled = true; // one answer counts
    panel.querySelector("[data-next]").focus();
    quiz.answered += 1;
    quiz.right += solution.querySelector(".good") ? 1 : 0;
    panel.querySelector("[data-score]").textContent = `${quiz.right} of ${quiz.answered} right.`;
  } catch (error) {
    solution.textContent = error.message;
  }
});
