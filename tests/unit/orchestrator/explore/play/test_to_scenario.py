import tempfile
from pathlib import Path

from hypothesis import given, settings

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.to_scenario import scenario_of, yaml_of
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_models
from tests.unit.orchestrator.explore.play.play_fixtures import controls
from tests.unit.orchestrator.explore.play.test_controls import any_controls


@settings(max_examples=30)
@given(chosen=any_controls())
def test_the_yaml_is_a_valid_scenario_and_the_one_that_is_simulated(chosen: Controls) -> None:
    assert loaded(yaml_of(chosen)) == scenario_of(chosen)


def loaded(text: str) -> object:
    """Load ``text`` as ``orchestrate.py validate`` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path, discover_models())


def test_the_yaml_is_short() -> None:
    assert yaml_of(controls("prefork", users=6)).splitlines() == [
        "intent: '5 workers, 6 users: who waits for whom?'",
        "models: [prefork]",
        "server: {workers: 5, backlog: 128}",
        "clients:",
        "- {name: users, executor: closed, users: 6, messages: 2, demand: sleep=100ms}",
    ]


def test_a_long_message_and_a_silent_client_come_before_the_users() -> None:
    groups = scenario_of(controls(long_ms=1000, silent_ms=500)).clients
    assert [(group.name, group.start) for group in groups] == [
        ("silent", "0s"), ("long", "0s"), ("users", "50ms"),
    ]  # fmt: skip


def test_a_load_that_takes_longer_has_a_timeout_in_which_a_run_can_end() -> None:
    assert scenario_of(controls()).timeout_s == 120
    slow = scenario_of(controls("single", users=200, messages=10, service_ms=1000))
    assert slow.timeout_s == 2120


def test_arrivals_have_a_connection_each() -> None:
    (group,) = scenario_of(controls(load="rate", rate_per_s=30)).clients
    assert (group.is_open, group.profile.area) == (True, 60)
