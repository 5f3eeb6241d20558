import pytest

from orchestrator.explore.play.causes import awaited, cause
from orchestrator.explore.play.redraw import predict
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls, outcome


def why(model: str, **values: int | str) -> str:
    """Return the cause of what is to be seen in ``model``."""
    chosen = controls(model, **values)
    return cause(predict(chosen, CPUS).outcomes[model], chosen)


KEEPS = "keeps a connection until its client closes it"


@pytest.mark.parametrize(
    ("model", "values", "reason"),
    [
        ("prefork", {}, f"each of 5 workers {KEEPS}"),
        ("prefork", {"workers": 1}, f"it {KEEPS}"),
        ("single", {}, f"it {KEEPS}"),
        ("single", {"users": 1}, "the worker is free whenever somebody comes"),
        ("threaded", {"users": 5}, "one of 5 workers is free whenever somebody comes"),
        ("epoll", {}, "a message that waits is only a timer in the loop"),
        ("epoll", {"work": "cpu"}, "the loop computes one message after another"),
        ("fork_per_connection", {}, "each connection gets a worker of its own"),
        ("half_sync", {}, "each of 5 workers serves one message at a time"),
        (
            "half_sync",
            {"long_ms": 500},
            "each of 5 workers serves one message at a time, and the long one takes 500 ms",
        ),
        (
            "reuseport",
            {},
            "the kernel's hash chooses a worker for each connection, also a busy one",
        ),
        (
            "prefork",
            {"users": 4, "work": "cpu"},
            "all are served at once, but all of them share 2 CPUs",
        ),
        (
            "threaded",
            {"users": 6, "work": "cpu"},
            f"each of 5 workers {KEEPS}, and one thread computes at a time",
        ),
        (
            "prefork",
            {"users": 5, "silent_ms": 2000},
            "1 of 5 workers is kept by the silent client for 2 s",
        ),
        (
            "prefork",
            {"users": 6, "silent_ms": 2000},
            f"each of 5 workers {KEEPS}, and 1 of them is kept by the silent client for 2 s",
        ),
        ("prefork", {"users": 6, "silent_ms": 50}, f"each of 5 workers {KEEPS}"),
        (
            "epoll",
            {"work": "cpu", "long_ms": 500},
            "the loop computes one message after another, and the long one takes 500 ms",
        ),
        ("single", {"long_ms": 500}, "it is kept by the long message for 500 ms"),
        (
            "prefork",
            {"users": 4, "long_ms": 500, "silent_ms": 700},
            "2 of 5 workers are kept by the silent client for 700 ms and by the long message for "
            "500 ms",
        ),
    ],
)
def test_the_cause(model: str, values: dict[str, int | str], reason: str) -> None:
    assert why(model, **values) == reason


def test_what_is_awaited() -> None:
    found = [awaited(outcome(each)) for each in ("single", "prefork", "epoll", "half_sync")]
    assert found == ["the only worker", "a worker", "the loop", "a thread"]
