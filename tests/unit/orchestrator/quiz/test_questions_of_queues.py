"""Questions about a full backlog and about a long message, and what explains them."""

from itertools import islice

from orchestrator.quiz.dice import Dice
from orchestrator.quiz.observed import observe_twin
from orchestrator.quiz.problem import Problem, Question
from orchestrator.quiz.questions_of_queues import (
    CLEAR_MS,
    GAP_MS,
    ask_backlog,
    ask_long_message,
)
from orchestrator.quiz.servers import Mechanism, models_with

MS = 1_000_000


def problems_of(question: Question, count: int = 60) -> list[Problem]:
    """Return the first problems of ``question``."""
    drafts = (question(Dice(1, "any", number)) for number in range(10_000))
    found = (each for each in drafts if each is not None and each.is_decided)
    return [Problem.of(1, "any", draft) for draft in islice(found, count)]


def test_all_connect_before_the_first_worker_is_free() -> None:
    for problem in problems_of(ask_backlog):
        messages = observe_twin(problem.cases[0]).messages
        last_ns = messages["due_ns"].max()
        assert messages["ended_ns"].min() - last_ns >= 2 * GAP_MS * MS


def test_a_full_backlog_leaves_out_what_no_worker_and_no_place_takes() -> None:
    some = none = 0
    for problem in problems_of(ask_backlog):
        inputs = problem.cases[0].inputs()
        users, workers = len(observe_twin(problem.cases[0]).messages), inputs["workers"]
        workers = 1 if problem.cases[0].model in models_with(Mechanism.ONE) else workers
        assert problem.derived == max(users - workers - inputs["backlog"] - 1, 0)
        some += bool(problem.derived)
        none += not problem.derived
        assert ("find no place" in problem.explanation) == bool(problem.derived)
    assert some
    assert none


def test_no_ack_is_so_near_to_the_end_of_the_long_message_that_it_may_be_either_side() -> None:
    for problem in problems_of(ask_long_message):
        messages = observe_twin(problem.cases[0]).messages
        end_ns = messages["ended_ns"][messages["group"] == 0].max()
        short_ns = messages["ended_ns"][messages["group"] == 1]
        assert abs(short_ns - end_ns).min() >= CLEAR_MS * MS


def test_a_long_message_holds_up_all_some_or_none() -> None:
    shares = set()
    for problem in problems_of(ask_long_message):
        users = problem.cases[0].planned()["short"]
        assert users is not None
        shares.add("none" if not problem.derived else "all" if problem.derived == users else "some")
    assert shares == {"none", "some", "all"}
