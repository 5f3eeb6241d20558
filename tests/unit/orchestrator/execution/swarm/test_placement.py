from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.placement import (
    Places,
    check_places,
    places_of,
    refuse_places,
)
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.hosts import CLIENTS, SERVER, Host
from tests.unit.orchestrator.scenario.test_estimate import scenario

BOTH = (SERVER, CLIENTS)
ANYWHERE = ["", "", ""]
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
    assert places_of(hosts, ANYWHERE) == places


def test_a_lone_host_is_refused() -> None:
    with pytest.raises(BackendError, match="no host is left for clients, since a has the server"):
        places_of({"a": host(*BOTH)}, [""])


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
        places = places_of(found, [""] * replicas)
    except BackendError:
        assert sum(CLIENTS in each.runs for each in found.values()) <= 1
        return
    carried = Counter(places.clients)
    assert SERVER in found[places.server].runs
    assert places.server not in carried
    assert all(CLIENTS in found[name].runs for name in carried)
    assert sum(carried.values()) == replicas
    assert max(carried.values()) - min(carried.values()) <= 1


def test_a_placed_client_is_on_its_host_and_the_others_take_turns() -> None:
    found = {"a": host(*BOTH), "b": host(*BOTH), "c": host(CLIENTS)}
    places = places_of(found, ["c", "", "", "c", ""])
    assert places == Places("a", ("c", "b", "c", "c", "b"))


def test_a_client_is_beside_the_server_if_it_is_placed_there() -> None:
    alone = {"a": host(*BOTH)}
    assert places_of(alone, ["a", "a"]) == Places("a", ("a", "a"))
    with pytest.raises(BackendError, match="no host is left for clients"):
        places_of(alone, ["a", ""])


GROUP = "{executor: closed, users: 1, messages: 1, demand: sleep=1ms, place: {host: laptop}}"


@pytest.mark.parametrize(
    ("name", "runs", "message"),
    [
        ("laptpo", BOTH, "place of clients: unknown host 'laptop'; did you mean 'laptpo'"),
        ("laptop", (SERVER,), "place of clients: laptop may not run clients; add that to its runs"),
    ],
)
def test_a_place_that_the_hosts_file_does_not_have_is_misuse(
    tmp_path: Path, name: str, runs: tuple[str, ...], message: str
) -> None:
    placed = scenario(tmp_path, GROUP)
    check_places(placed, {"laptop": host(CLIENTS)})
    with pytest.raises(MisuseError, match=message):
        check_places(placed, {name: host(*runs)})


def test_one_host_has_no_places(tmp_path: Path) -> None:
    placed = scenario(tmp_path, GROUP)
    with pytest.raises(MisuseError, match="place of clients: there is one host only; use run --ba"):
        refuse_places(placed)
    refuse_places(scenario(tmp_path, GROUP.replace(", place: {host: laptop}", "")))


AWAY = "faults: [{at: 1s, fault: disconnect-host, host: laptop, lasts: 1s}]\n"


def test_a_fault_of_an_unknown_host_is_misuse(tmp_path: Path) -> None:
    found = scenario(tmp_path, GROUP.replace(", place: {host: laptop}", ""), AWAY)
    check_places(found, {"laptop": host(*BOTH)})
    with pytest.raises(MisuseError, match="disconnect-host at 1s: unknown host 'laptop'"):
        check_places(found, {"desk": host(*BOTH)})
    with pytest.raises(MisuseError, match="disconnect-host: there is one host only"):
        refuse_places(found)
