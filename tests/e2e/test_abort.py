"""A hopeless load ends early, on local processes."""

from pathlib import Path

from tests.e2e.lab_fixtures import Lab

HOPELESS = """\
intent: Does a hopeless load end early?
models: [single]
clients:
  - {executor: open, rate: 200/s, duration: 30s, connections: each, demand: sleep=20ms, replicas: 2}
abort: [errors > 1000, p50 > 150ms]
timeout: 60s
repeats: 2
"""
PLANNED = 6000
LOAD_S = 30


def test_a_hopeless_load_ends_early_and_nothing_of_it_is_left(lab: Lab, tmp_path: Path) -> None:
    scenario = tmp_path / "hopeless.yaml"
    scenario.write_text(HOPELESS)
    ended = lab.run(scenario, "--backend", "process")
    assert ended.code == 1, ended.out + ended.err
    (case,) = ended.summary["cases"]
    (run,) = case["runs"]  # the second repeat is left out
    aborted, measures = run["aborted"], run["measures"]
    assert aborted["expression"] == "p50 > 150ms"
    assert aborted["right"] == "150.0 ms"
    assert measures["makespan_s"] < LOAD_S
    assert aborted["at_s"] < LOAD_S
    assert measures["acked"] > 0
    assert measures["in_flight"] > 0
    assert measures["failed"] == measures["errors"] == 0
    assert measures["sent"] == measures["acked"] + measures["in_flight"]
    assert measures["sent"] + measures["unsent"] == PLANNED
    assert measures["server_exit_code"] == 0
    assert case["expectations"][0]["expression"] == "aborted: p50 > 150ms"
    assert "aborted: p50 > 150ms: failed: the load was ended after" in ended.out
    assert "1 repeat left out" in ended.out
    assert lab.left_processes() == []
