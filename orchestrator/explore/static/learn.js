// The lessons: a guess is graded by the server, and only then its answer is shown.
import { post } from "./explore.js";

const panel = document.getElementById("learn");

for (const form of panel.querySelectorAll("form")) {
  const lesson = form.closest("details");
  const place = lesson.querySelector("[data-answer]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const guesses = Object.fromEntries(new FormData(form));
    try {
      const response = await post("learn/grade", { lesson: Number(form.dataset.lesson), guesses });
      const text = await response.text();
      place.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
      const isDone = place.querySelectorAll(".good").length === form.querySelectorAll("input").length;
      lesson.querySelector("[data-mark]").textContent = isDone ? "✓ done" : "seen";
    } catch (error) {
      place.textContent = error.message;
    }
  });
}
