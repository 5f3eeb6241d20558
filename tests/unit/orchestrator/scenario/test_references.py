"""Errors in a reference: a model, a client group, a view, or a measure of one of them."""

import pytest

from orchestrator.measures.views import SIMULATED
from tests.unit.conftest import Load
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, MODELS, Problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("models: [single, preforc]",
         f"6:18: unknown model 'preforc'; did you mean 'prefork'? allowed: {MODELS}"),
        ("models: [nginx]", f"6:10: unknown model 'nginx'; allowed: {MODELS}"),
        ("models: [all, epoll]",
         "6:10: all is every model by itself; write models: all, without a list"),
        ("models: [epoll, single, epoll]",
         "6:25: this model is already in the list; name each model once"),
        ("expect: {all: [late.p99 < 1s]}",
         "6:16: unknown client group 'late'; client groups: clients; views of the run: "
         "slowest, predicted, replayed"),
        ("expect: {all: [p99 ~= predicted.cpu_time within 1%]}",
         "6:23: cpu_time is of the whole case only; write cpu_time"),
        ("expect: {all: [predicted.errors == 0]}",
         "6:16: predicted has no measure 'errors'; it has: " + ", ".join(SIMULATED)),
        ("expect: {all: [clients.cpu_time < 1s]}",
         "6:16: cpu_time is of the whole case only; write cpu_time"),
        ("models: [single]\nexpect: {epoll: [failed == 0]}",
         "7:10: unknown model 'epoll'; allowed: single, all"),
        ("expect: {singel: [failed == 0]}",
         f"6:10: unknown model 'singel'; did you mean 'single'? allowed: {MODELS}, all"),
        ("expect: {all: [makespan(epoll) < 2s]}",
         "6:16: this names one of several models; write it under compare"),
        ("compare: [makespan(epoll) < 2 * makespan]",
         "6:33: the model is missing; write e.g. makespan(single)"),
        ("compare: [makespan(epol) < 2s]",
         f"6:11: unknown model 'epol'; did you mean 'epoll'? allowed: {MODELS}"),
        ("compare: [late.makespan(epoll) < 2s]",
         "6:11: unknown client group 'late'; client groups: clients; views of the run: "
         "slowest, predicted, replayed"),
        ("validity: [host_busy < 5% with 95%]",
         "6:12: a rule is checked in each run; leave the confidence out"),
        ("validity: [host_busy(epoll) < 5%]",
         "6:12: this names one of several models; write it under compare"),
        ("abort: p99 > 1s with 95%",
         "6:8: this is checked while a run lasts; leave the confidence out"),
        ("abort: [errors > 3, 2s < makespan]",
         "6:26: makespan is not known while the load runs; abort may name acked, errors, failed, "
         "in_flight, sent, unsent, percentiles of response_time, and what the scenario sets"),
        ("abort: exchange_time_p99 > 1s",
         "6:8: exchange_time_p99 is not known while the load runs; abort may name acked, errors, "
         "failed, in_flight, sent, unsent, percentiles of response_time, and what the scenario "
         "sets"),
        ("abort: clients.p99 > 1s", "6:8: live figures are of the whole load; write p99"),
        ("abort: p99(epoll) > 1s",
         "6:8: this names one of several models; write it under compare"),
        ("expect: {all: [during.acked > 0]}",
         "6:16: 'during' is a window around faults, and this scenario has no faults"),
        ("faults: [{at: 1s, fault: kill}]\nexpect: {all: [during.cpu_time > 0s]}",
         "7:16: cpu_time is of the whole case only; write cpu_time"),
        ("faults: [{at: 1s, fault: kill}]\nexpect: {all: [during.connected > 0]}",
         "7:16: during has no measure 'connected'; it has: throughput, goodput, acked, failed, "
         "in_flight, response_time_mean, response_time_p50, response_time_p99, response_time_max"),
        ('expect: {"a\\nb": [failed == 0]}',
         f"6:10: unknown model 'a\\nb'; allowed: {MODELS}, all"),
    ],
)  # fmt: skip
def test_a_bad_reference_lists_what_there_is(problems: Problems, lines: str, problem: str) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


@pytest.mark.parametrize(
    "written",
    ["errors > 100", "p99 > 2s", "failed / acked > 10%", "p(99.5) > 10 * service_time",
     "[response_time_p999 > 1s, in_flight > 3 * users, unsent + sent - acked > 9]"],
)  # fmt: skip
def test_abort_may_name_live_figures_and_what_the_scenario_sets(load: Load, written: str) -> None:
    found = load(GOOD + f"abort: {written}\n")
    assert ", ".join(map(str, found.abort)) == written.strip("[]")
    assert found.resolved()["abort"] == list(map(str, found.abort))
