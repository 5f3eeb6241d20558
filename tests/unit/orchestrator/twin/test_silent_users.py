import pytest

from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.models import discover_models, discover_twins
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import NONE
from orchestrator.twin.predict import NO_END_NS, NoTwinError, discipline_of
from orchestrator.twin.silent_users import SILENT
from orchestrator.twin.simulate import Simulated, simulate, sources_of

POLITE_AND_SILENT = ("polite", SILENT)


def simulated(model: str, workers: int, silent: int = 1) -> Simulated:
    """Return what happens to a user that comes 50 ms after users which stay silent for 500 ms."""
    written = {
        "intent": "Who waits?",
        "models": [model],
        "server": {"workers": workers},
        "clients": [
            {
                "name": "silent",
                "executor": "closed",
                "users": silent,
                "behaviour": "silent",
                "duration": "500ms",
            },
            {
                "name": "polite",
                "executor": "closed",
                "users": 1,
                "messages": 1,
                "demand": "sleep=10ms",
                "start": "50ms",
            },
        ],
    }
    context = {"known_models": discover_models(), MAX_LOAD: RUN_LOAD}
    (case,) = plan_cases(Scenario.model_validate(written, context=context))
    discipline = discipline_of(case, discover_twins(), 2.0, POLITE_AND_SILENT)
    return simulate(sources_of(case), discipline, NONE, NO_END_NS)


def wait_ms(found: Simulated) -> float:
    (message,) = found.messages
    return float(message["started_ns"] - message["due_ns"]) / 1e6


def test_a_silent_user_keeps_the_worker_of_its_connection_until_it_closes() -> None:
    assert wait_ms(simulated("single", 1)) == 450
    assert wait_ms(simulated("prefork", 2, silent=2)) == 450


def test_another_worker_serves_meanwhile() -> None:
    assert wait_ms(simulated("prefork", 2)) == 0
    assert wait_ms(simulated("threaded", 2)) == 0


@pytest.mark.parametrize("model", ["epoll", "half_sync", "fork_per_connection"])
def test_a_model_that_keeps_no_worker_of_a_pool_for_it_serves_meanwhile(model: str) -> None:
    assert wait_ms(simulated(model, 1)) == 0


def test_its_connection_ends_when_its_time_is_over() -> None:
    connections = simulated("prefork", 1).connections
    assert connections["ended_ns"].tolist() == [500_000_000, 510_000_000]


def test_a_prediction_refuses_it_unless_it_is_asked_for() -> None:
    written = {
        "intent": "Who waits?",
        "models": ["single"],
        "clients": [
            {"executor": "closed", "users": 1, "behaviour": "silent", "duration": "500ms"},
        ],
    }
    context = {"known_models": discover_models(), MAX_LOAD: RUN_LOAD}
    (case,) = plan_cases(Scenario.model_validate(written, context=context))
    with pytest.raises(NoTwinError, match="polite clients only, not silent"):
        discipline_of(case, discover_twins(), 2.0)
