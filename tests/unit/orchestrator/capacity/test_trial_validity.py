"""Whether a trial counts, and whether a load that failed says something of the server."""

from dataclasses import replace

import pytest

from orchestrator.capacity.trial_validity import CpuUse, doubt_of_failure, median_of
from orchestrator.results.capacity import Limit

SHARED = CpuUse(server_s=8.0, clients_s=10.0, busy_s=19.0, wall_s=10.0, cpus=2.0)


def test_clients_that_took_the_cpus_from_the_server_make_a_failure_none_of_the_server() -> None:
    found = doubt_of_failure([SHARED, SHARED, SHARED])
    assert found is not None
    limit, text = found
    assert limit is Limit.HOST
    assert "95% in use" in text


def test_other_programs_that_took_the_cpus_make_a_failure_none_of_the_server() -> None:
    beside = replace(SHARED, server_s=5.0, clients_s=1.0)
    found = doubt_of_failure([beside])
    assert found is not None
    assert found[0] is Limit.HOST
    assert "other programs used 13 s of CPU time beside 5 s" in found[1]
    interrupts = replace(SHARED, server_s=14.0, clients_s=1.0)
    assert doubt_of_failure([interrupts]) is None


@pytest.mark.parametrize(
    "use",
    [
        replace(SHARED, busy_s=15.0),  # the CPUs had time for both
        replace(SHARED, server_s=14.0, clients_s=3.0),  # the server used nearly all
        replace(SHARED, server_s=0.4, clients_s=0.5, busy_s=2.0),  # the CPUs were hardly used
        replace(SHARED, clients_s=None),
        replace(SHARED, busy_s=None),
    ],
)
def test_a_failure_is_the_server_s_in_all_other_cases(use: CpuUse) -> None:
    assert doubt_of_failure([use]) is None
    assert doubt_of_failure([]) is None


def test_a_median_leaves_out_what_is_unknown() -> None:
    assert median_of([{"a": 1.0}, {"a": None}, {}, {"a": 3.0}], "a") == 2.0
    assert median_of([{}], "a") is None
