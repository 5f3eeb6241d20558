"""The tab Learn: lessons and problems; picture and answer follow the guess, never before it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.explore.asked import RefusedResponse, read_map
from orchestrator.explore.learn.grading import Graded, GuessError, form_of, grade_guesses
from orchestrator.explore.learn.lessons import Lesson, read_lessons
from orchestrator.explore.learn.problems import ProblemError, find_problem, options_of, solve
from orchestrator.explore.learn.prose import prose
from orchestrator.explore.play.picture import picture
from orchestrator.explore.play.redraw import predict_cases
from orchestrator.explore.rendering import render
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.quiz.problem import Problem
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario


def _routes(surroundings: Surroundings) -> Sequence[BaseRoute]:
    async def grade(request: Request) -> Response:
        asked = await read_map(request, "lesson", "guesses")
        lesson = _lesson(asked["lesson"])
        try:
            graded = grade_guesses(lesson, _guesses(asked["guesses"]))
        except GuessError as exc:
            return RefusedResponse(str(exc))
        drawn = await run_in_threadpool(_picture, lesson, surroundings.cpus)
        return HTMLResponse(
            render(
                "learn_answer.html.j2",
                graded=graded,
                answer=prose(lesson.answer),
                picture=drawn,
                command=_command(lesson, graded),
                number=lesson.number,
            )
        )

    async def ask(request: Request) -> Response:
        asked = await read_map(request, "seed", "number")
        found = await run_in_threadpool(_find, asked)
        return HTMLResponse(
            render("learn_problem.html.j2", problem=found, options=options_of(found))
        )

    async def solve_typed(request: Request) -> Response:
        asked = await read_map(request, "seed", "number", "typed")
        found = await run_in_threadpool(_find, asked)
        try:
            solved = solve(found, asked["typed"])
        except ProblemError as exc:
            return RefusedResponse(str(exc))
        drawn = await run_in_threadpool(_drawn, found.scenario, surroundings.cpus)
        return HTMLResponse(render("learn_solution.html.j2", solved=solved, picture=drawn))

    return [
        Route("/grade", grade, methods=["POST"]),
        Route("/problem", ask, methods=["POST"]),
        Route("/solve", solve_typed, methods=["POST"]),
    ]


def _find(asked: Mapping[str, object]) -> Problem:
    try:
        return find_problem(asked["seed"], asked["number"])
    except ProblemError as exc:
        raise HTTPException(400, str(exc)) from exc


def _lesson(number: object) -> Lesson:
    for lesson in read_lessons():
        if lesson.number == number:
            return lesson
    raise HTTPException(400, "there is no such lesson")


def _guesses(found: object) -> dict[str, str]:
    if isinstance(found, Mapping) and all(isinstance(each, str) for each in found.values()):
        return {str(name): text for name, text in found.items()}
    raise HTTPException(400, "guesses are a map of texts")


def _picture(lesson: Lesson, cpus: float) -> Markup:
    """Return what the twin says of the scenario; empty if it has a fault, which the twin lacks."""
    scenario = load_scenario(lesson.path, discover_models())
    return Markup() if scenario.faults else _drawn(scenario, cpus)


def _drawn(scenario: Scenario, cpus: float) -> Markup:
    found = predict_cases(plan_cases(scenario), cpus)
    nouns = "arrivals" if any(group.is_open for group in scenario.clients) else "users"
    markup = picture(found.outcomes, found.refused, nouns)
    return Markup(markup)  # noqa: S704 made by our templates


def _command(lesson: Lesson, graded: Sequence[Graded]) -> str:
    """Return how the machine is asked."""
    words = [".venv/bin/python", "orchestrate.py", str(lesson.path.relative_to(ROOT))]
    for each in graded:
        if each.typed:
            words += ["--set", f"{each.asked.name}={each.typed}"]
    return shlex.join(words)


def _values(_: Surroundings) -> Mapping[str, object]:
    return {"lessons": [_shown(lesson) for lesson in read_lessons()]}


def _shown(lesson: Lesson) -> dict[str, Any]:
    return {
        "number": lesson.number,
        "title": lesson.title,
        "setting": prose(lesson.setting),
        "question": prose(lesson.question),
        "asked": [(each, form_of(each)) for each in lesson.asked],
    }


TAB = Tab("learn", "Learn", _routes, _values)
