import math

import numpy as np
import pytest

from orchestrator.capacity.objectives import ObjectiveError, Percentile, parse_objectives

GROUPS = ("slow", "fast")


@pytest.mark.parametrize(
    ("text", "percentile"),
    [
        ("p99 < 50ms", Percentile("response_time", "", 0.01, 0.05)),
        ("p99 <= 50ms", Percentile("response_time", "", 0.01, 0.05, is_within=True)),
        ("slow.p(99.9) <= 1s", Percentile("response_time", "slow", 0.001, 1.0, is_within=True)),
        ("50ms > p95", Percentile("response_time", "", 0.05, 0.05)),
        ("exchange_time_p90 < 2 * 10ms", Percentile("exchange_time", "", 0.1, 0.02)),
        ("p50 < 5ms", Percentile("response_time", "", 0.5, 0.005)),
        ("connect_time_p99 < 5ms", None),  # of a connection, not of a message
        ("response_time_mean < 5ms", None),
        ("errors == 0", None),
    ],
)
def test_the_limit_of_a_percentile(text: str, percentile: Percentile | None) -> None:
    (found,) = parse_objectives([text], GROUPS)
    assert found.percentile == percentile


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p99 < 50ms with 95%", "leave the clause out"),
        ("p99 == 50ms", "needs an upper limit"),
        ("p99 > 50ms", "needs an upper limit"),
        ("p99 ~= 50ms within 5%", "needs an upper limit"),
        ("p99 < 10 * service_time", "plain duration"),
        ("p99 - p50 < 10ms", "plain duration"),
        ("p99 < 0ms", "needs an upper limit"),
        ("p99(prefork) < 50ms", "for each case alone; write p99"),
        ("throughput(prefork) / throughput(single) > 2", "for each case alone"),
        ("predicted.p99 < 50ms", "not of the whole run"),
        ("medium.p99 < 50ms", "no group is named 'medium'; allowed: slow, fast"),
        ("process_control_cpu_time < 1s", "needs a run of single beside it"),
        ("workers > 2", "nothing that a run measures"),
        ("service_time_p95 < 20ms", "no percentiles, since the scenario sets it"),
        ("50ms", "comparison is missing"),
        ("p99 < 50", "write a unit"),
        ("respons_time_p99 < 50ms", "did you mean 'response_time_p99'"),
    ],
)
def test_what_is_no_objective_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ObjectiveError, match="--slo") as raised:
        parse_objectives([text], GROUPS)
    assert message in str(raised.value)


def test_no_objective_at_all() -> None:
    with pytest.raises(ObjectiveError, match=r"write e\.g\. --slo"):
        parse_objectives([])


def test_an_objective_given_twice_counts_once() -> None:
    assert len(parse_objectives(["p99 < 50ms", " p99 < 50ms ", "errors == 0"])) == 2


def test_a_message_at_the_limit_is_late_unless_the_limit_is_included() -> None:
    durations_s = np.array([0.049, 0.05, 0.051, math.nan])
    below, within = parse_objectives(["p99 < 50ms", "p99 <= 50ms"])
    assert below.percentile is not None
    assert below.percentile.late(durations_s).tolist() == [False, True, True, True]
    assert within.percentile is not None
    assert within.percentile.late(durations_s).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "values", "margin"),
    [
        ("response_time_mean < 20ms", {"response_time_mean": 0.015}, -0.25),
        ("response_time_mean < 20ms", {"response_time_mean": 0.03}, 0.5),
        ("throughput >= 100/s", {"throughput": 80.0}, 0.2),
        ("errors == 0", {"errors": 3}, 3.0),
        ("throughput ~= 100/s within 5%", {"throughput": 98.0}, -0.03),
        ("errors == 0", {}, None),
        ("errors == 0", {"errors": None}, None),
    ],
)
def test_the_margin(text: str, values: dict[str, float | None], margin: float | None) -> None:
    (found,) = parse_objectives([text])
    assert found.margin(values) == (None if margin is None else pytest.approx(margin))


@pytest.mark.parametrize("text", ["errors == 0", "errors <= 0"])
def test_the_margin_of_what_just_holds_is_negative(text: str) -> None:
    margin = parse_objectives([text])[0].margin({"errors": 0})
    assert margin is not None
    assert margin < 0


def test_the_margin_of_what_just_fails_is_positive() -> None:
    margin = parse_objectives(["errors < 1"])[0].margin({"errors": 1})
    assert margin is not None
    assert margin > 0


def test_the_value_is_that_of_the_measured_side() -> None:
    left, right = parse_objectives(["p99 < 50ms", "50ms > p95"])
    values = {"response_time_p99": 0.04, "response_time_p95": 0.03}
    assert (left.value(values), right.value(values)) == (0.04, 0.03)
