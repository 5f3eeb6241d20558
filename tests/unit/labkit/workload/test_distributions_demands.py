import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.work import MAX_PARTS, Demand, parse_demand
from labkit.workload.distributions import Demands, DemandsError, Draws

DRAWS = Draws(7, "clients", "demand")
LAWS = ["exponential(100ms)", "hyperexponential(2s, scv=9)", "bimodal(5ms, 100ms, share=0.5)",
        "bimodal(5ms, 5ms, share=0.5)"]  # fmt: skip


def first(demands: Demands, messages: int) -> list[str]:
    return [demands.of(DRAWS, 0, message).decode() for message in range(messages)]


def test_a_plain_demand_travels_as_it_was_written() -> None:
    demands = Demands.parse("sleep=100.0ms")
    assert demands.constant == b" sleep=100.0ms"
    assert first(demands, 2) == [" sleep=100.0ms"] * 2


def test_demands_take_turns() -> None:
    demands = Demands.parse("sleep=1ms, cpu=2ms,sleep=3ms")
    assert demands.constant is None
    assert first(demands, 5) == [
        " sleep=1ms", " cpu=2ms", " sleep=3ms", " sleep=1ms", " cpu=2ms",
    ]  # fmt: skip
    assert demands.mean_s == pytest.approx(0.002)


def test_a_comma_between_brackets_parts_no_turns() -> None:
    demands = Demands.parse("cpu=bimodal(1ms, 9ms, share=0.5),sleep=5ms")
    assert demands.mean_s == pytest.approx(0.005)
    drawn = first(demands, 40)
    assert set(drawn[::2]) == {" cpu=1000us", " cpu=9000us"}
    assert set(drawn[1::2]) == {" sleep=5ms"}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("kind", ["sleep", "cpu"])
def test_what_is_drawn_is_a_demand_that_a_server_reads(kind: str, law: str) -> None:
    demands = Demands.parse(f"{kind}={law}", limit_s=1.0)
    assert demands.constant is None
    for demand in first(demands, 200):
        read = parse_demand(demand.removeprefix(" "))
        assert isinstance(read, Demand)
        assert read.kind == kind
        assert 0 <= read.duration_s <= 1.0


def test_durations_are_cut_to_the_limit_and_the_mean_knows() -> None:
    demands = Demands.parse("sleep=exponential(100ms)", limit_s=0.15)
    drawn_s = [
        float(demand.removeprefix(" sleep=").removesuffix("us")) / 1e6
        for demand in first(demands, 10_000)
    ]
    assert max(drawn_s) == 0.15
    error_s = statistics.stdev(drawn_s) / 100
    assert statistics.fmean(drawn_s) == pytest.approx(demands.mean_s, abs=4 * error_s)


@pytest.mark.parametrize(("limit_s", "longest"), [(0.3, 300_000), (0.29, 290_000), (1e-6, 1)])
def test_a_limit_of_whole_microseconds_is_reached_and_not_passed(
    limit_s: float, longest: int
) -> None:
    """0.29 * 1,000,000 is 289,999.99999999994."""
    demands = Demands.parse("cpu=exponential(10s)", limit_s)
    drawn = {int(demand.removeprefix(" cpu=").removesuffix("us")) for demand in first(demands, 200)}
    assert max(drawn) == longest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a demand; write e.g. sleep=100ms"),
        ("100ms", "'100ms' is a duration; write sleep=100ms or cpu=100ms"),
        ("sleep=10", "demand 'sleep=10': '10' has no unit; write 10ms or 10s"),
        ("sleep", "'sleep' is not a demand"),
        ("io=100ms", "'io=100ms' is not a demand"),
        ("sleep=1ms,", "'' is not a demand"),
        ("sleep=", "demand 'sleep=': '' is neither a duration nor a distribution"),
        ("sleep=1ms, cpu=5", "demand 'cpu=5': '5' has no unit; write 5ms or 5s"),
        ("cpu=exponential(5)", "demand 'cpu=exponential(5)': '5' has no unit; write 5ms or 5s"),
        ("cpu=exponential(5ms", "demand 'cpu=exponential(5ms': 'exponential(5ms' is neither"),
        ("sleep=exponential(\u20035ms)", "is neither a duration nor a distribution"),
        ("sleep=1ms,sleep=11s", "'sleep=11s' is more than the 10s that a server allows"),
        ("cpu=bimodal(11s, 11s, share=1)", "is more than the 10s that a server allows"),
        ("sleep=1ms+", "'' is not a demand"),
        ("sleep=1ms+2ms", "'2ms' is a duration; write sleep=2ms or cpu=2ms"),
        ("sleep=1ms+cpu=5", "demand 'cpu=5': '5' has no unit; write 5ms or 5s"),
        ("sleep=exponential(5ms+cpu=1ms", "'exponential(5ms' is neither"),
        ("sleep=exponential(5ms+1ms)", "'5ms+1ms' is neither"),
        ("sleep=6s+cpu=5s", "'sleep=6s+cpu=5s' is more than the 10s that a server allows"),
        ("sleep=10s+cpu=1us+cpu=exponential(1ms)", "is more than the 10s that a server allows"),
        ("+".join(["cpu=1ms"] * 9), "has 9 parts; a message has at most 8"),
        (",".join(["cpu=1ms"] * 1_001), "1001 demands that take turns; allowed: 1000"),
    ],
)
def test_an_error_names_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(DemandsError) as raised:
        Demands.parse(text, limit_s=10.0)
    assert message in str(raised.value)


def test_what_is_as_long_as_the_limit_or_only_may_be_longer_is_no_error() -> None:
    assert Demands.parse("sleep=10s", limit_s=10.0).mean_s == 10.0
    assert Demands.parse("sleep=bimodal(5ms, 20s, share=0)", limit_s=10.0).mean_s == 10.0


@given(st.text(st.sampled_from("sleepcpu=, exponential()5ms")) | st.text())
def test_any_text_states_demands_or_is_refused_in_few_words(text: str) -> None:
    try:
        demands = Demands.parse(text)
    except DemandsError as exc:
        refusal = exc
    else:
        assert parse_demand(first(demands, 1)[0].removeprefix(" ")) is not None
        return
    assert 0 < len(str(refusal)) < 1_000


def read(demand: str) -> Demand:
    """Return a demand as a server reads it."""
    found = parse_demand(demand.removeprefix(" "))
    assert found is not None
    return found


def test_parts_travel_in_one_word_whatever_spaces_they_were_written_with() -> None:
    demands = Demands.parse("sleep=10ms + cpu=2.0ms ,cpu=1ms+sleep=1ms")
    assert first(demands, 3) == [
        " sleep=10ms+cpu=2.0ms", " cpu=1ms+sleep=1ms", " sleep=10ms+cpu=2.0ms",
    ]  # fmt: skip
    assert demands.mean_s == pytest.approx(0.007)
    assert not demands.is_random
    assert Demands.parse("sleep=10ms + cpu=2ms").constant == b" sleep=10ms+cpu=2ms"


def test_a_part_that_is_drawn_stands_between_those_that_are_not() -> None:
    demands = Demands.parse("cpu=1ms+sleep=exponential(10ms)+cpu=2ms")
    assert demands.is_random
    assert demands.constant is None
    drawn = first(demands, 100)
    assert len(set(drawn)) == 100
    for demand in drawn:
        begin, middle, end = read(demand).steps
        assert (begin, end) == (Demand("cpu", 0.001), Demand("cpu", 0.002))
        assert middle.kind == "sleep"


def test_each_part_has_draws_of_its_own_and_the_first_those_of_an_undivided_demand() -> None:
    """An undivided demand is drawn as in stored runs, so that those can be analysed again."""
    alone = first(Demands.parse("sleep=exponential(10ms)"), 200)
    divided = [
        read(demand).steps
        for demand in first(Demands.parse("sleep=exponential(10ms)+cpu=exponential(10ms)"), 200)
    ]
    assert [steps[0] for steps in divided] == [read(demand) for demand in alone]
    ours, theirs = ([steps[part].duration_s for steps in divided] for part in (0, 1))
    assert abs(statistics.correlation(ours, theirs)) < 0.25  # 3.5 standard errors
    assert alone[:2] == [" sleep=10962us", " sleep=11916us"]


def test_parts_that_are_drawn_share_what_the_constant_ones_leave_of_the_limit() -> None:
    """Of 100 ms, 20 are constant; two parts are drawn, so that each is 40 ms at most."""
    text = "sleep=exponential(60ms)+cpu=20ms+cpu=exponential(60ms)"
    demands = Demands.parse(text, limit_s=0.1)
    drawn = [read(demand) for demand in first(demands, 4_000)]
    assert max(demand.steps[0].duration_s for demand in drawn) == 0.04
    assert max(demand.duration_s for demand in drawn) == 0.1
    sums_s = [demand.duration_s for demand in drawn]
    error_s = statistics.stdev(sums_s) / len(sums_s) ** 0.5
    assert statistics.fmean(sums_s) == pytest.approx(demands.mean_s, abs=4 * error_s)


parts = st.builds(
    "{}={}".format,
    st.sampled_from(["sleep", "cpu"]),
    st.sampled_from(["1ms", "0.5us", "0s", *LAWS]),
)


@given(
    st.lists(parts, min_size=1, max_size=MAX_PARTS),
    st.sampled_from([0.0401, 1.0, 60.0]),
    st.integers(0, 9),
)
def test_any_parts_are_sent_as_a_server_reads_them_within_the_limit(
    words: list[str], limit_s: float, message: int
) -> None:
    demands = Demands.parse("+".join(words), limit_s)
    demand = read(demands.of(DRAWS, 3, message).decode())
    assert [step.kind for step in demand.steps] == [word.partition("=")[0] for word in words]
    assert 0 <= demand.duration_s <= limit_s
    assert (demands.constant is None) == any("(" in word for word in words)
