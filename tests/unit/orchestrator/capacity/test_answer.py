from orchestrator.capacity.answer import answer_of, caveat_of, named
from orchestrator.results.capacity import Limit, LoadKind, Verdict
from orchestrator.results.summary import Status
from tests.unit.orchestrator.capacity.capacity_fixtures import (
    asked,
    at_least,
    capacity,
    case,
    cheapest,
    without_figure,
)

EPOLL = case("epoll", (300.0, 310.0), limited_by=Limit.INTERPRETER_LOCK)


def test_a_few_cases_have_a_sentence_each() -> None:
    assert answer_of(capacity(case(), EPOLL)) == [
        "prefork,workers=4 bears 212/s to 223/s at p99 < 50ms, limited by its workers.",
        "epoll bears 300/s to 310/s, limited by the interpreter lock.",
    ]


def test_users_are_searched_too() -> None:
    found = capacity(case("epoll", (7.0, 8.0)), kind=LoadKind.USERS)
    assert answer_of(found)[0].startswith("epoll bears 7 users to 8 users at")


def test_of_many_cases_the_best_and_the_worst_are_named() -> None:
    cases = [case(f"prefork,workers={n}", (50.0 * n, 52.0 * n)) for n in range(2, 17)]
    near = case("poll", (780.0, 820.0))
    assert answer_of(capacity(*cases, near)) == [
        "prefork,workers=16 bears most, 800/s to 832/s at p99 < 50ms, limited by its workers; "
        "its bounds overlap those of poll.",
        "prefork,workers=2 bears least, 100/s to 104/s, limited by its workers.",
    ]


def test_a_case_without_a_figure_says_why() -> None:
    found = answer_of(capacity(EPOLL, without_figure("poll"), without_figure("x", Limit.HOST)))
    assert found[1:] == [
        "poll: no figure, since the clients could not generate the load as planned "
        "(a client was 12 ms late).",
        "x: no figure, since other programs, or the clients, took the CPUs "
        "(a client was 12 ms late).",
    ]


def test_a_case_that_held_below_what_the_clients_bear_has_a_lower_bound() -> None:
    found = capacity(at_least("poll"))
    assert answer_of(found) == [
        "poll bears at least 180/s at p99 < 50ms.",
        "poll: no figure beyond its lower bound, since the clients could not generate the load as "
        "planned (a client was 12 ms late).",
    ]
    assert caveat_of(found) == "Caution: it is not known how much more poll can bear."


def test_just_the_load_asked_about_is_no_headroom() -> None:
    only = at_least("poll").model_copy(update={"at": Verdict.HOLDS, "headroom_low": 0.0})
    assert answer_of(capacity(only, at=180.0)) == ["180/s at p99 < 50ms is met by poll."]


def test_at_a_load_the_cheapest_cases_are_named_with_their_headroom() -> None:
    cases = [asked("epoll", 200, (246, 300)), asked("poll", 200, (250, 380))]
    cases += [asked(f"prefork,workers={n}", 200, (50.0 * n, 52.0 * n)) for n in range(2, 5)]
    found = capacity(*cases, at=200.0, cheapest=[cheapest("epoll", "poll")])
    assert answer_of(found) == [
        "200/s at p99 < 50ms is met by 3 of 5 cases; cheapest: epoll and poll (1 worker each), "
        "which bear 23% to 90% more."
    ]


def test_each_load_of_the_scenario_has_its_cheapest_case() -> None:
    cases = [asked("epoll", 200, (246, None)), asked("prefork,workers=4", 200, (200, 230))]
    found = capacity(
        *cases,
        at=200.0,
        cheapest=[
            cheapest("epoll", demand="cpu=1ms"),
            cheapest("prefork,workers=4", workers=4, demand="sleep=9ms"),
            cheapest(workers=0, demand="cpu=1s").model_copy(update={"workers": None}),
        ],
    )
    assert answer_of(found) == [
        "200/s at p99 < 50ms is met by all 2 cases.",
        "Cheapest at demand=cpu=1ms: epoll (1 worker), which bears at least 23% more.",
        "Cheapest at demand=sleep=9ms: prefork,workers=4 (4 workers), which bears up to 15% more.",
    ]


def test_without_an_axis_of_workers_the_most_headroom_is_named() -> None:
    found = capacity(asked("epoll", 200, (246, 300)), asked("poll", 200, (300, 320)), at=200.0)
    assert answer_of(found) == [
        "200/s at p99 < 50ms is met by all 2 cases; "
        "most headroom: poll, which bears 50% to 60% more."
    ]


def test_one_case_alone() -> None:
    for bounds, sentence in (
        ((246.0, 300.0), "200/s at p99 < 50ms is met by epoll, which bears 23% to 50% more."),
        ((150.0, 160.0), "200/s at p99 < 50ms is not met by epoll, which bears 150/s to 160/s."),
        ((190.0, 210.0), "200/s at p99 < 50ms is undecided for epoll, which bears 190/s to 210/s."),
    ):
        assert answer_of(capacity(asked("epoll", 200, bounds), at=200.0)) == [sentence]


def test_if_no_case_bears_the_load_the_nearest_is_named() -> None:
    found = capacity(asked("epoll", 400, (246, 300)), asked("poll", 400, (240, 300)), at=400.0)
    assert answer_of(found) == [
        "400/s at p99 < 50ms is met by none of 2 cases.",
        "epoll bears most, 246/s to 300/s, limited by its workers.",
    ]


def test_a_case_that_is_undecided_is_not_counted_as_failing() -> None:
    found = capacity(asked("epoll", 400, (246, 300)), asked("poll", 400, (240, 410)), at=400.0)
    first = "400/s at p99 < 50ms is met by no case that was decided (1 of 2)."
    assert answer_of(found)[0] == first


def test_nothing_decided_is_not_said_to_fail() -> None:
    undecided = [asked(name, 200, (190, 210)) for name in ("epoll", "poll")]
    first, *rest = answer_of(capacity(*undecided, at=200.0))
    assert first == "It is not known which of 2 cases meet 200/s at p99 < 50ms."
    assert rest[-1] == "epoll and poll are undecided."


def test_what_is_undecided_or_without_a_verdict_is_named() -> None:
    undecided = asked("poll", 200, (190, 210))
    found = answer_of(
        capacity(asked("epoll", 200, (246, 300)), undecided, without_figure("x"), at=200.0)
    )
    assert undecided.at is Verdict.UNDECIDED
    assert found[1:] == [
        "poll is undecided.",
        "x has no verdict: the clients could not generate the load as planned "
        "(a client was 12 ms late).",
    ]


def test_without_cases_there_is_no_answer() -> None:
    assert answer_of(capacity()) == []
    assert answer_of(capacity(at=200.0)) == []


def test_the_caveat_names_what_is_not_known() -> None:
    assert caveat_of(capacity(case())) == ""
    wide = case("poll", is_complete=False, ended="12 loads were tried")
    found = capacity(
        case(), wide, without_figure(), status=Status.INTERRUPTED, reason="SIGINT", planned_cases=5
    )
    assert caveat_of(found) == (
        "Caution: the search ended early, after 3 of 5 cases: SIGINT; it is not known what epoll "
        "can bear; poll has wider bounds than were asked for."
    )


def test_of_many_names_the_others_are_counted() -> None:
    assert named([case(name) for name in "abcd"]) == "a, b, c and d"
    assert named([case(name) for name in "abcdef"]) == "a, b, c and 3 more"


def test_a_load_that_could_not_be_measured_says_why() -> None:
    late = without_figure("poll").model_copy(update={"at": Verdict.UNDECIDED})
    assert answer_of(capacity(late, at=200.0)) == [
        "200/s at p99 < 50ms is undecided for poll.",
        "poll: no figure, since the clients could not generate the load as planned "
        "(a client was 12 ms late).",
    ]
