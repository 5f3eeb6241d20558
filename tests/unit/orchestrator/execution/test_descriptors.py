"""The descriptors that a campaign needs, against limits that are not this shell's."""

import resource

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.descriptors import OWN, descriptors_of, provide_descriptors
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, schedule
from orchestrator.scenario.scenario import Scenario

UNLIMITED = resource.RLIM_INFINITY


def a_case(model: str = "epoll", workers: int = 5, **clients: object) -> Case:
    group = {"executor": "closed", "users": 4, "messages": 1, **clients}
    scenario = Scenario.model_validate(
        {
            "intent": "Enough descriptors?",
            "models": [model],
            "server": {"workers": workers},
            "clients": [group],
            "expect": {"all": ["failed == 0"]},
        }
    )
    return schedule(scenario)[0].case


class Limits:
    """The limits of a shell; what was set is in ``changes``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
        self.changes: list[tuple[int, int]] = []
        monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr("resource.setrlimit", lambda _, limits: self.changes.append(limits))


@pytest.mark.parametrize(
    ("case", "needed"),
    [
        (a_case(users=40, replicas=40), 40),  # the conductor, and the server
        (a_case(users=900), 900),  # one client with all users
        (a_case("prefork", users=900, replicas=3), 300),  # a client; the server has 5 at once
        (a_case(users=900, replicas=3), 900),  # the server has all at once
    ],
)
def test_the_program_that_needs_most_counts(case: Case, needed: int) -> None:
    assert descriptors_of(case, discover_twins()) == needed + OWN


@pytest.mark.parametrize("backend", ["process", "docker"])
@pytest.mark.parametrize("hard", [9, 44, OWN - 1])
def test_a_limit_that_is_too_low_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, backend: str, hard: int
) -> None:
    Limits(monkeypatch, soft=hard, hard=hard)
    case = a_case(users=40, replicas=40)
    needed = 40 + OWN if backend == "process" else OWN
    with pytest.raises(BackendError, match=rf"raise `ulimit -n` to {needed}$") as raised:
        provide_descriptors([case], backend)
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("hard", [4096, UNLIMITED])
def test_a_soft_limit_is_raised_to_the_need_and_not_beyond(
    monkeypatch: pytest.MonkeyPatch, hard: int
) -> None:
    limits = Limits(monkeypatch, soft=256, hard=hard)
    provide_descriptors([a_case(users=1000), a_case(users=5)], "process")
    assert limits.changes == [(1000 + OWN, hard)]


@pytest.mark.parametrize("soft", [256, UNLIMITED])
def test_a_limit_that_is_enough_stays(monkeypatch: pytest.MonkeyPatch, soft: int) -> None:
    limits = Limits(monkeypatch, soft=soft, hard=UNLIMITED)
    provide_descriptors([a_case()], "process")
    assert limits.changes == []


def test_containers_have_limits_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    Limits(monkeypatch, soft=256, hard=256)
    provide_descriptors([a_case(users=1000)], "docker")
