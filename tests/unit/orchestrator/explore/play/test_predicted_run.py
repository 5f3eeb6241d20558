import numpy as np
import pytest

from orchestrator.explore.play.redraw import predict
from orchestrator.twin.predict import NoTwinError
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls, outcome


def workers_of(model: str, **values: int | str) -> list[int]:
    """Return the worker of each message, in the order of users."""
    requests = outcome(model, messages=1, **values).run.merged.requests
    return [int(each) for each in np.sort(requests, order="user")["worker"]]


def test_a_pool_gives_the_sixth_user_the_worker_that_is_free_first() -> None:
    assert workers_of("prefork", users=6, workers=5) == [1, 2, 3, 4, 5, 1]


def test_idle_workers_take_turns_unless_the_parent_chooses() -> None:
    one_at_a_time: dict[str, int | str] = {
        "load": "rate",
        "arrivals": "constant",
        "rate_per_s": 4,
        "service_ms": 1,
    }
    assert workers_of("prefork", workers=3, **one_at_a_time) == [1, 2, 3, 1, 2, 3, 1, 2]
    assert workers_of("prefork_pass", workers=3, **one_at_a_time) == [1] * 8
    assert workers_of("half_sync", workers=3, **one_at_a_time) == [1, 2, 3, 1, 2, 3, 1, 2]


def test_a_loop_is_one_worker_and_each_connection_may_have_its_own() -> None:
    assert workers_of("epoll", users=3) == [1, 1, 1]
    assert workers_of("fork_per_connection", users=3) == [1, 2, 3]
    assert workers_of("single", users=3) == [1, 1, 1]


def test_a_pool_behind_a_loop_serves_messages() -> None:
    assert workers_of("half_sync", users=4, workers=2) == [1, 2, 1, 2]


def test_the_worker_that_the_kernel_chose_is_kept() -> None:
    assert set(workers_of("reuseport", users=30, workers=3)) == {1, 2, 3}


def test_a_model_whose_twin_cannot_say_is_refused() -> None:
    found = predict(controls("prefork_epoll", work="cpu"), CPUS)
    assert not found.outcomes
    assert "has a twin only for demands that sleep" in found.refused["prefork_epoll"]
    assert issubclass(NoTwinError, ValueError)


@pytest.mark.parametrize("model", ["single", "threaded", "epoll", "half_sync"])
def test_instants_are_those_of_a_run(model: str) -> None:
    merged = outcome(model, users=3, silent_ms=100).run.merged
    assert (merged.requests["due_ns"] > 50_000_000).all(), "after the silent client"
    assert (merged.connections["ended_ns"] > merged.connections["connected_ns"]).all()
    for earlier, later in (("sent_ns", "started_ns"), ("started_ns", "finished_ns")):
        assert (merged.requests[earlier] <= merged.requests[later]).all()
