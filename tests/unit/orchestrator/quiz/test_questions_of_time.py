"""Questions about durations and rates: settings, mistakes, and limits of the load."""

from collections.abc import Iterator

import pytest

from orchestrator.quiz.dice import Dice
from orchestrator.quiz.problem import Draft, Problem, Question
from orchestrator.quiz.questions_of_time import (
    LONGEST_MS,
    SHORTEST_MS,
    ask_first_response,
    ask_makespan,
    ask_throughput,
    ask_wait,
)


def drafts(question: Question, count: int = 40) -> Iterator[Draft]:
    """Yield the first drafts of ``question`` that are problems."""
    found = 0
    for number in range(10_000):
        draft = question(Dice(1, "any", number))
        if draft is not None and draft.is_decided:
            found += 1
            yield draft
        if found == count:
            return


def test_a_makespan_is_long_enough_to_measure_and_short_enough_to_wait_for() -> None:
    for draft in drafts(ask_makespan):
        assert SHORTEST_MS <= float(draft.derived) * 1e3 <= LONGEST_MS


def test_one_user_after_another_is_a_known_mistake_of_a_pool() -> None:
    draft = next(each for each in drafts(ask_makespan) if "workers" in each.setting)
    assert "That is the time if one user is served after another." in draft.mistakes.values()


def test_a_response_is_of_a_user_of_the_load() -> None:
    for draft in drafts(ask_first_response):
        user = int(draft.question.rstrip("?").split()[-1])
        users = draft.scenario["clients"][0]["users"]
        assert 1 <= user < users


def test_a_throughput_counts_all_messages_over_the_makespan() -> None:
    for draft in drafts(ask_throughput):
        group = draft.scenario["clients"][0]
        assert f"{group['users'] * group['messages']} messages are answered" in draft.why


def test_the_one_who_is_asked_about_waits() -> None:
    for draft in drafts(ask_wait):
        assert float(draft.derived) > 0
        assert draft.why.count("User ") >= 2


@pytest.mark.parametrize("question", [ask_makespan, ask_first_response, ask_throughput, ask_wait])
def test_the_twin_agrees_with_the_theory(question: Question) -> None:
    for draft in drafts(question):
        found = Problem.of(1, "any", draft)
        assert found.answer.accepts(draft.derived)
