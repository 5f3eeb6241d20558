from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.placement import Places, places_of
from orchestrator.scenario.hosts import CLIENTS, SERVER, Host

BOTH = (SERVER, CLIENTS)
SHARED = Host(context="x", beside_server=True)


def host(*runs: str) -> Host:
    return Host.model_validate({"context": "x", "runs": list(runs)})


@pytest.mark.parametrize(
    ("hosts", "places"),
    [
        ({"a": host(*BOTH), "b": host(*BOTH)}, Places("a", ("b", "b", "b"))),
        ({"a": host(*BOTH), "b": host(SERVER)}, Places("b", ("a", "a", "a"))),
        ({"a": host(CLIENTS), "b": host(*BOTH)}, Places("b", ("a", "a", "a"))),
        ({"a": host(*BOTH), "b": host(*BOTH), "c": host(CLIENTS)}, Places("a", ("b", "c", "b"))),
        ({"a": SHARED, "b": host(CLIENTS)}, Places("a", ("a", "b", "a"))),
        ({"a": SHARED}, Places("a", ("a", "a", "a"))),
        ({"a": host(SERVER), "b": SHARED}, Places("a", ("b", "b", "b"))),
        ({"a": host(SERVER), "b": host(SERVER), "c": host(*BOTH)}, Places("a", ("c", "c", "c"))),
    ],
)
def test_the_server_s_host_carries_no_client_unless_the_file_says_so(
    hosts: dict[str, Host], places: Places
) -> None:
    assert places_of(hosts, 3) == places


def test_a_lone_host_is_refused() -> None:
    with pytest.raises(BackendError, match="no host is left for clients, since a has the server"):
        places_of({"a": host(*BOTH)}, 1)


hosts = st.lists(st.sampled_from([(SERVER,), (CLIENTS,), BOTH]), min_size=1, max_size=8).map(
    lambda runs: {f"h{number}": host(*each) for number, each in enumerate(runs)}
)


@given(hosts, st.integers(1, 50))
def test_clients_are_spread_evenly_over_hosts_that_may_run_them(
    found: dict[str, Host], replicas: int
) -> None:
    able = [name for name, each in found.items() if SERVER in each.runs]
    if not able or all(CLIENTS not in found[name].runs for name in found if name != able[0]):
        return
    try:
        places = places_of(found, replicas)
    except BackendError:
        assert sum(CLIENTS in each.runs for each in found.values()) <= 1
        return
    carried = Counter(places.clients)
    assert SERVER in found[places.server].runs
    assert places.server not in carried
    assert all(CLIENTS in found[name].runs for name in carried)
    assert sum(carried.values()) == replicas
    assert max(carried.values()) - min(carried.values()) <= 1
