"""Comparison of two campaigns, with the verdict that a CI job uses."""

import json
from pathlib import Path

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab

pytestmark = pytest.mark.slow
SCENARIO = """\
intent: How fast is one message after another?
models: [single]
clients:
  - {executor: closed, users: 1, messages: 40, demand: "sleep=${service}"}
variables: {service: 20ms}
repeats: 5
validity: []  # whatever the host does: this tests the comparison, not the measurement
"""
TIMES = ("--measure", "throughput", "--measure", "p50", "--different-scenarios")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the results of one scenario at two service times."""
    found = {}
    for service in ("20ms", "22ms"):
        base = tmp_path_factory.mktemp(service)
        lab = Lab(ROOT, base / "results")
        (base / "one.yaml").write_text(SCENARIO)
        options = ("--backend", "process", "--set", f"service={service}")
        ended = lab.run(base / "one.yaml", *options)
        assert ended.code == 0, ended.out + ended.err
        (found[service],) = ended.results
    return found


def test_ten_percent_more_service_time_is_a_regression(lab: Lab, folders: dict[str, Path]) -> None:
    ended = lab.orchestrate("compare", folders["20ms"], folders["22ms"], *TIMES)
    assert ended.code == 1, ended.out
    assert "2 of 2: regression (threshold 5%)" in ended.out
    ended = lab.orchestrate("compare", folders["22ms"], folders["20ms"], *TIMES)
    assert ended.code == 0
    assert "2 of 2: improvement" in ended.out


def test_another_service_time_is_another_scenario(lab: Lab, folders: dict[str, Path]) -> None:
    ended = lab.orchestrate("compare", folders["20ms"], folders["22ms"], *TIMES[:-1])
    assert ended.code == 4
    assert "clients.clients.demand: sleep=20ms, then sleep=22ms" in ended.out
    assert "2 of 2: cannot tell" in ended.out
    ended = lab.orchestrate("compare", folders["20ms"], folders["20ms"], *TIMES[:-1])
    assert "under test: no difference is recorded" in ended.out


def test_a_run_does_not_differ_from_itself(lab: Lab, folders: dict[str, Path]) -> None:
    ended = lab.orchestrate("compare", folders["20ms"], folders["20ms"], "--json")
    assert ended.code == 0
    changes = {each["measure"]: each["change"] for each in json.loads(ended.out)["differences"]}
    assert changes == {
        "throughput": "no difference",
        "response_time_p50": "no difference",
        "response_time_p99": "cannot tell",  # of 40 messages none is beyond the 99th percentile
        "cpu_time_per_message": "no difference",
    }


def test_the_threshold_decides(lab: Lab, folders: dict[str, Path]) -> None:
    pair = (folders["20ms"], folders["22ms"])
    assert lab.orchestrate("compare", *pair, "--threshold", "30%", *TIMES).code == 0


@pytest.mark.together
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "nowhere"], "nowhere/summary.json cannot be read: no such file"),
        (["a", "b", "--threshold", "5"], "'5' is not a percentage; write e.g. 5%"),
        (["a", "b", "--measure", "makespn"], "unknown measure 'makespn'; did you mean 'makespan'?"),
        (["a", "b", "--measure", "users"], "'users' is not measured"),
    ],
)
def test_misuse(lab: Lab, arguments: list[str], message: str) -> None:
    ended = lab.orchestrate("compare", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
