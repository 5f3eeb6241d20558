from orchestrator.explore.learn.lessons import read_lessons
from tests.unit.docs.test_lessons import LESSONS, answers_of


def test_every_lesson_of_the_guide_is_read_in_its_order() -> None:
    lessons = read_lessons()
    assert [each.path.stem for each in lessons] == [page.stem for page in LESSONS]
    assert [each.number for each in lessons] == list(range(1, 13))


def test_every_guess_of_a_lesson_is_asked_for_with_its_answer() -> None:
    found = [{each.name: each.right for each in lesson.asked} for lesson in read_lessons()]
    assert found == [answers_of(page) for page in LESSONS]


def test_the_question_does_not_give_the_answer_away() -> None:
    second = read_lessons()[1]
    assert second.title == "One more than workers"
    assert second.question.strip().startswith("How long until all messages are acknowledged?")
    assert "⌈6 / 5⌉" in second.answer
    assert not any("--set" in each.setting + each.question for each in read_lessons())


def test_what_is_asked_has_its_meaning_and_its_model() -> None:
    asked = read_lessons()[4].asked
    assert [each.model for each in asked] == ["threaded", "prefork", "epoll"]
    assert asked[0].meaning.startswith("time from the start")
