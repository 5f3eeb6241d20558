from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.answer import sentences_of
from orchestrator.campaign.answer_values import CaseValues
from orchestrator.campaign.case_names import CaseKey
from orchestrator.measures.bounds import AtLeast, Within
from orchestrator.measures.template import parse_condition, parse_template
from orchestrator.scenario.answer import Sentence

SECONDS = {"single": 3.521, "prefork": 1.008, "threaded": 1.009, "epoll": 0.5046}
DONE = "{fastest(makespan)} is done first, {ratio} times sooner than {slowest}."


def models(name: str, values: Mapping[str, float | None]) -> list[CaseValues]:
    """Return a case for each model, with one measure and 7 users."""
    return [
        CaseValues(CaseKey(model), [{name: value, "users": 7.0}]) for model, value in values.items()
    ]


def said(text: str, cases: list[CaseValues]) -> str:
    return " ".join(sentences_of([Sentence(parse_template(text))], cases))


def chosen(condition: str, cases: list[CaseValues]) -> str:
    sentence = Sentence(parse_template("Yes."), parse_condition(condition), parse_template("No."))
    return " ".join(sentences_of([sentence], cases))


RACE = models("makespan", SECONDS)
SWEEP = [
    CaseValues(
        CaseKey(model, (("workers", str(workers)),)),
        [{"makespan": 4.0 / workers, "workers": float(workers)}],
    )
    for workers in (1, 2, 8)
    for model in ("prefork", "threaded")
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DONE, "epoll is done first, 7 times sooner than single."),
        ("It takes {makespan}.", "It takes 3.52 s under single, 1.01 s under prefork and "
         "threaded, and 505 ms under epoll."),
        ("{makespan(epoll)} under epoll.", "505 ms under epoll."),
        ("{makespan(single) / makespan(epoll)} times.", "6.98 times."),
        ("Of {users} users.", "Of 7 users."),
        ("Done after {makespan(fastest)} and {makespan(slowest)}: {fastest(makespan)}, {slowest}.",
         "Done after 505 ms and 3.52 s: epoll, single."),
        ("One second is not enough {which(makespan > 1s)}.",
         "One second is not enough under single, prefork and threaded."),
        ("Done {which(makespan < 10s)}; {which(makespan > 10s)}.",
         "Done under every model; under no model."),
        ("{slowest(makespan, makespan < 2s)} takes longest of those below 2 s.",
         "prefork and threaded take longest of those below 2 s."),
        ("{{makespan}}", "{makespan}"),
    ],
)  # fmt: skip
def test_a_sentence_over_models(text: str, expected: str) -> None:
    assert said(text, RACE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{fastest(makespan)} are fastest, {ratio} times as fast as {slowest}.",
         "8 workers are fastest, 8 times as fast as 1 worker."),
        ("It takes {makespan}.", "It takes 4 s with 1 worker, 2 s with 2 workers and 500 ms "
         "with 8 workers."),
        ("{makespan(prefork, workers=8)}", "500 ms"),
        ("{makespan(workers=8)}", "500 ms"),
        ("{makespan(workers=1) / makespan(workers=8)} times as fast.", "8 times as fast."),
        ("Enough: {least(workers, makespan < 3s)}.", "Enough: 2 workers."),
        ("Enough: {least(workers, makespan < 1ms)}.", "The condition is met in no case."),
    ],
)  # fmt: skip
def test_a_sentence_over_a_swept_axis(text: str, expected: str) -> None:
    assert said(text, SWEEP) == expected


def test_models_that_differ_by_noise_only_are_one_value_and_the_text_says_about() -> None:
    assert said("{makespan}", models("makespan", {"a": 1.0, "b": 1.02})) == "About 1.01 s"


def test_if_none_is_faster_the_sentence_says_so_instead_of_naming_one() -> None:
    alike = models("makespan", {"single": 1.003, "epoll": 1.021})
    expected = "There is no difference between single and epoll: makespan 1 s to 1.02 s."
    assert said(DONE, alike) == expected


def test_a_single_case_is_not_every_model() -> None:
    alone = models("makespan", {"single": 1.0})
    assert said("Done {which(makespan < 2s)}.", alone) == "Done under single."
    assert said("Done {which(makespan > 2s)}.", alone) == "Done under no model."


def test_a_single_case_is_not_the_fastest_of_anything() -> None:
    alone = models("makespan", {"single": 1.0})
    assert said(DONE, alone) == "Only single has a value: makespan 1 s."


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": 0.0, "b": 0.0}, "No messages failed."),
        ({"a": 1.0, "b": 1.0}, "1 message failed."),
        ({"a": 1.0, "b": 3.0, "c": 0.0},
         "1 message under a, 3 messages under b and no messages under c failed."),
    ],
)  # fmt: skip
def test_counts_read_as_a_person_would_write_them(
    values: dict[str, float | None], expected: str
) -> None:
    assert said("{failed messages} failed.", models("failed", values)) == expected


def test_a_lower_bound_is_named_as_one() -> None:
    assert said("{makespan}", models("makespan", {"a": AtLeast(1.0)})) == "At least 1 s"


def test_a_value_with_the_error_of_two_clocks_is_said_with_it() -> None:
    waits = models("waiting_time_mean", {"a": Within(0.0123, 80e-6), "b": 0.5})
    assert said("Waits {waiting_time_mean}.", waits) == (
        "Waits 12.3 ms ±80 us under a and 500 ms under b."
    )
    assert chosen("waiting_time_mean(a) < 12.31ms", waits).startswith("Not known")


@pytest.mark.parametrize(
    "text", ["It takes {makespan}.", DONE, "{which(makespan < 1s)}", "{ratio(makespan)} times"]
)
def test_what_no_case_has_is_said_to_be_not_known(text: str) -> None:
    found = said(text, models("makespan", {"a": None, "b": None}))
    assert "None" not in found
    assert found.startswith("Not known from this run: ")
    assert "makespan" in found


def test_a_case_without_a_value_is_named_beside_the_others() -> None:
    found = said("It takes {makespan}.", models("makespan", {"a": None, "b": 1.0}))
    assert found == "It takes 1 s under b and not known under a."


def test_a_model_that_did_not_run_is_not_known() -> None:
    found = said("{makespan(prefork)}", models("makespan", {"single": 1.0}))
    assert found == "Not known from this run: makespan(prefork)."


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("makespan < 10s", "Yes."),
        ("makespan < 1s", "No."),  # not for each model
        ("makespan(epoll) < 1s", "Yes."),
        ("ratio(makespan) > 6", "Yes."),
        ("makespan(epoll) < makespan(single) / 6", "Yes."),
        ("cpu_time < 1s", "Not known from this run: cpu_time."),
    ],
)
def test_a_condition_without_a_subject_must_hold_for_each_case(
    condition: str, expected: str
) -> None:
    assert chosen(condition, RACE) == expected


def test_a_campaign_without_a_case_has_no_answer() -> None:
    assert sentences_of([Sentence(parse_template("It takes {makespan}."))], []) == []


def test_values_of_a_campaign_cut_short_are_those_of_the_cases_that_ended() -> None:
    planned = [CaseKey(model) for model in ("single", "prefork", "epoll")]
    text = parse_template("{makespan}, {users clients}, {which(makespan < 2s)}; {makespan(single)}")
    found = sentences_of([Sentence(text)], models("makespan", {"single": 1.0}), planned)
    assert found == ["1 s under single, 7 clients, under single; 1 s"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{which(makespan > 2s)}", "In no case that is known"),
        ("{least(makespan, makespan > 2s)}", "The condition is met in no case that is known."),
        ("{which(makespan < 2s)}", "Under single"),
    ],
)
def test_nothing_is_said_of_cases_that_did_not_end(text: str, expected: str) -> None:
    planned = [CaseKey("single"), CaseKey("epoll")]
    ended = models("makespan", {"single": 1.0})
    assert sentences_of([Sentence(parse_template(text))], ended, planned) == [expected]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("makespan < 2s", "Not known from this run: 1 of 2 cases."),
        ("makespan > 2s", "No."),  # one case is enough
        ("makespan(single) < 2s", "Yes."),
    ],
)
def test_a_condition_does_not_hold_for_cases_that_did_not_end(
    condition: str, expected: str
) -> None:
    planned = [CaseKey("single"), CaseKey("epoll")]
    sentence = Sentence(parse_template("Yes."), parse_condition(condition), parse_template("No."))
    assert sentences_of([sentence], models("makespan", {"single": 1.0}), planned) == [expected]


TEXTS = st.sampled_from([
    DONE, "{makespan}", "{makespan(a)} {makespan(b) / makespan(a)}", "{which(makespan < 1s)}",
    "{ratio(makespan)}", "{least(makespan, makespan > 1s)}", "{makespan of makespan(a)}",
    "{makespan(slowest) - makespan(fastest)} {fastest(makespan)}",
])  # fmt: skip
TIMES = st.none() | st.floats(0, 1e4) | st.floats(0, 1e4).map(AtLeast)


@given(TEXTS, st.dictionaries(st.sampled_from("abc"), TIMES, min_size=1))
def test_any_values_make_a_sentence_without_traces_of_a_program(
    text: str, values: dict[str, float | None]
) -> None:
    found = said(text, models("makespan", values))
    assert found
    assert not any(trace in found for trace in ("None", "nan", "inf", "{", "e+", "e-"))


IGNORING = [
    CaseValues(CaseKey("single"), [{"makespan": 8.0, "workers": 1.0}]),
    *SWEEP,
]
"""single has no pool, so its one case has no axis of workers."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{least(workers, makespan < 3s)} is enough.",
         "prefork and threaded with 2 workers are enough."),
        ("{least(workers, makespan < 9s)} is enough.",
         "single, prefork with 1 worker and threaded with 1 worker are enough."),
        ("Done {which(makespan > 3s)}.",
         "Done under single, prefork with 1 worker and threaded with 1 worker."),
        ("Done {which(makespan > 5s)}.", "Done under single."),
        ("{makespan(prefork)} in the pool.",
         "4 s with 1 worker, 2 s with 2 workers and 500 ms with 8 workers in the pool."),
        ("It takes {makespan(single, workers=8)}, and {makespan(prefork, workers=8)} with a pool.",
         "It takes 8 s, and 500 ms with a pool."),
    ],
)  # fmt: skip
def test_a_model_that_ignores_an_axis_is_named_without_it(text: str, expected: str) -> None:
    assert said(text, IGNORING) == expected


def test_a_part_of_a_total_is_named_for_each_total() -> None:
    cases = [
        CaseValues(CaseKey("single", (("users", users),)), [{"failed": 1.0, "sent": sent}])
        for users, sent in (("4", 400.0), ("8", 800.0))
    ]
    found = said("Lost: {failed of sent messages}.", cases)
    assert found == "Lost: 1 of 400 messages with 4 users and 1 of 800 messages with 8 users."


@pytest.mark.parametrize(
    "text", ["{which(errors / failed > 0)}", "{least(makespan, errors / failed > 0)}", "Yes."]
)
def test_what_a_division_by_0_leaves_open_is_not_known_rather_than_not_met(text: str) -> None:
    cases = [CaseValues(CaseKey("single"), [{"makespan": 1.0, "errors": 0.0, "failed": 0.0}])]
    condition = parse_condition("errors / failed > 0") if text == "Yes." else None
    unknown = parse_template("{cpu_time}")  # what is unknown before does not hide it
    found = sentences_of([Sentence(unknown), Sentence(parse_template(text), condition)], cases)
    assert found == ["Not known from this run: cpu_time, errors, failed."]


def test_a_case_whose_condition_is_unknown_is_not_one_that_does_not_meet_it() -> None:
    cases = models("makespan", {"single": 2.0, "epoll": None})
    assert said("Enough {which(makespan < 1s)}.", cases) == "Not known from this run: makespan."
    assert said("{least(makespan, makespan < 1s)}", cases) == "Not known from this run: makespan."


def test_another_measure_at_an_extreme_that_several_share_is_that_of_each() -> None:
    cases = [
        CaseValues(CaseKey(model), [{"makespan": makespan, "cpu_time": cpu_time}])
        for model, makespan, cpu_time in (
            ("prefork", 1.0, 1.0), ("threaded", 1.01, 9.0), ("single", 4.0, 2.0),
        )
    ]  # fmt: skip
    text = "{fastest(makespan)}: {cpu_time(fastest)}, and {makespan(fastest)}."
    assert said(text, cases) == (
        "prefork and threaded: 1 s under prefork and 9 s under threaded, and 1 s."
    )
    text = "{fastest(makespan)}, {cpu_time(fastest) / cpu_time(slowest)}"
    assert said(text, cases) == "Not known from this run: cpu_time(fastest)."


def test_a_model_at_a_point_that_did_not_end_is_not_replaced_by_another_point() -> None:
    ended = [("prefork", "4", 1.0), ("single", "4", 8.0), ("prefork", "8", 2.0)]
    cases = [
        CaseValues(CaseKey(model, (("users", users),)), [{"makespan": makespan}])
        for model, users, makespan in ended
    ]
    found = said("{makespan(single) / makespan(prefork)} times.", cases)
    assert found == "8 with 4 users and not known with 8 users times."


def test_a_condition_on_a_pool_holds_at_each_of_its_points() -> None:
    assert chosen("makespan(prefork) < makespan(single)", IGNORING) == "Yes."


MOVING = [
    CaseValues(
        CaseKey(model, (("interpreter", python), ("users", users), ("messages", messages))),
        [{"makespan": makespan_s}],
    )
    for model, python, users, messages, makespan_s in (
        ("threaded", "3.13", "4", "20", 1.6),
        ("threaded", "3.13t", "4", "20", 0.8),
        ("threaded", "3.13", "1", "2000", 0.3),
        ("threaded", "3.13t", "1", "2000", 0.4),
    )
]


def test_a_point_is_found_by_some_of_the_axes_that_move_together() -> None:
    both = "{makespan(threaded, interpreter=3.13t, users=4)} and {makespan(threaded, users=1, "
    assert said(both + "interpreter=3.13)}.", MOVING) == "800 ms and 300 ms."
    ratio = "makespan(threaded, interpreter=3.13, users=4) > 1.9 * makespan(threaded, "
    assert chosen(ratio + "interpreter=3.13t, users=4)", MOVING) == "Yes."
    assert chosen(ratio + "interpreter=3.13t, users=1)", MOVING) == "Yes."


def test_the_other_axes_stay_if_a_case_has_them() -> None:
    assert said("{makespan(interpreter=3.13t)}", MOVING[:3:2] + MOVING[1:4:2]) == (
        "800 ms with 4 users, 20 messages, and 400 ms with 1 user, 2000 messages"
    )
