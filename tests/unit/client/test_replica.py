"""A replica with a conductor of this very process, well-behaved or not."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from client import replica
from client.replica import ConductorLostError, play
from client.scripted_loop import BehaviourError
from client.task import UnresolvedError
from labkit.clock import Clock, own_clock
from labkit.wire.samples import connection_rows, rows
from labkit.wire.wire import Channel
from tests.unit.client.share_fixtures import share_of

ORDER: dict[str, Any] = share_of(replica=1, place=1, replicas=2, initial=4, messages=3).fields()


def ordered(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 fields of a share or its group
    of_group = {name: changes.pop(name) for name in list(changes) if name in ORDER["group"]}
    return {**ORDER, **changes, "group": {**ORDER["group"], **of_group}}


def conducted(script: Callable[[Channel], None], leave_every_s: float = 0.0) -> None:
    """Play a replica under a conductor that does what ``script`` says, and then leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def conduct() -> None:
            with Channel(listener.accept()[0]) as channel:
                enrol = channel.receive()
                assert (enrol["type"], enrol["secret"]) == ("enrol", "5ec7e7")
                assert Clock.read(enrol["clock"]) == own_clock()
                assert enrol["placed_on"] == "far"
                script(channel)

        conductor = threading.Thread(target=conduct)
        conductor.start()
        try:
            play(listener.getsockname(), "5ec7e7", leave_every_s, "far")
        finally:
            conductor.join()


def let_report(channel: Channel) -> None:
    """Wait until a replica's load is over, and ask for its result."""
    assert channel.receive()["type"] == "over"
    channel.send("report")


def result_of(channel: Channel) -> dict[str, Any]:
    """Return what a replica reports when asked, without its samples, which are read."""
    let_report(channel)
    result = dict(channel.receive())
    assert result["type"] == "result"
    channel.receive_bytes(result["samples_bytes"] + result["connections_bytes"])
    return result


def test_a_share_without_a_server_is_reported_as_refused() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ORDER)
        assert channel.receive()["type"] == "ready"
        reported["start_ns"] = time.monotonic_ns() + 20_000_000
        channel.send("start", start_ns=reported["start_ns"])
        let_report(channel)
        reported.update(channel.receive())
        assert list(rows(channel.receive_bytes(reported["samples_bytes"]))) == []
        lives = list(connection_rows(channel.receive_bytes(reported["connections_bytes"])))
        assert [life.user for life in lives] == [1, 3]

    conducted(script)
    assert reported["type"] == "result"
    assert reported["replica"] == 1
    assert reported["first_connect_ns"] >= reported["start_ns"]
    assert reported["end_ns"] >= reported["start_ns"]
    assert reported["planned"] == 6
    assert reported["books"] == {
        "sent": 0,
        "acked": 0,
        "failed": 0,
        "unsent": 6,
        "in_flight": 0,
        "retries": 0,
    }
    assert {kind: n for kind, n in reported["errors"].items() if n} == {"refused": 2}


def test_a_ping_before_the_start_is_answered_with_the_own_instant() -> None:
    answers: list[tuple[int, Any, int]] = []

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(initial=1))
        channel.receive()
        for _ in range(2):
            before_ns = time.monotonic_ns()
            channel.send("ping")
            answers.append((before_ns, channel.receive(), time.monotonic_ns()))
        channel.send("start", start_ns=1)
        result_of(channel)

    conducted(script)
    assert [answer["type"] for _, answer, _ in answers] == ["pong", "pong"]
    assert all(before <= answer["t_ns"] <= after for before, answer, after in answers)


def test_a_share_of_no_users_ends_when_it_starts() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(initial=1))
        channel.receive()
        channel.send("start", start_ns=1)
        reported.update(result_of(channel))

    conducted(script)
    assert reported["end_ns"] == 1
    assert sum(reported["books"].values()) == 0


def test_a_replica_ends_after_those_before_it() -> None:
    asked_s: list[float] = []

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(initial=1, replica=7))
        channel.receive()
        channel.send("start", start_ns=1)
        asked_s.append(time.monotonic())
        result_of(channel)

    conducted(script, leave_every_s=0.02)
    assert time.monotonic() - asked_s[0] >= 7 * 0.02


@pytest.mark.parametrize("lasting", ["enrolled", "ready", "started", "running"])
def test_a_conductor_that_leaves_is_lost_at_once(lasting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # never accepts: no ack ever comes
        target = f"127.0.0.1:{silent.getsockname()[1]}"

        def script(channel: Channel) -> None:
            if lasting == "enrolled":
                return
            channel.send("load", **ordered(target=target))
            channel.receive()
            if lasting == "ready":
                return
            ahead_ns = 60_000_000_000 if lasting == "started" else 0
            channel.send("start", start_ns=time.monotonic_ns() + ahead_ns)
            if lasting == "running":
                reported = channel.receive()
                assert (reported["type"], reported["acked"], reported["connections"]) == (
                    "progress",
                    0,
                    2,
                )

        begun_s = time.monotonic()
        with pytest.raises(ConductorLostError, match=r"lost: (it|the peer) closed the connection"):
            conducted(script)
    assert time.monotonic() - begun_s < ORDER["timeout_s"]


def test_an_order_to_stop_ends_the_load_and_what_it_has_is_reported() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(target=target))
        channel.receive()
        channel.send("start", start_ns=time.monotonic_ns())
        progress = channel.receive()
        assert (progress["type"], progress["sent"], progress["acked"]) == ("progress", 2, 0)
        assert sum(progress["times"]) == 2  # they wait
        channel.send("stop")
        reported.update(result_of(channel))

    with socket.create_server(("127.0.0.1", 0)) as silent:  # never accepts: no ack ever comes
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        begun_s = time.monotonic()
        conducted(script)
    assert time.monotonic() - begun_s < ORDER["timeout_s"]
    assert reported["books"] == {
        "sent": 2,
        "acked": 0,
        "failed": 0,
        "unsent": 4,
        "in_flight": 2,
        "retries": 0,
    }
    assert sum(reported["errors"].values()) == 0


def test_an_order_to_stop_that_comes_after_the_end_is_ignored() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(initial=1))
        channel.receive()
        channel.send("start", start_ns=1)
        assert channel.receive()["type"] == "over"
        channel.send("stop")
        channel.send("report")
        reported.update(channel.receive())
        channel.receive_bytes(reported["samples_bytes"] + reported["connections_bytes"])

    conducted(script)
    assert reported["type"] == "result"


@pytest.mark.parametrize(
    "order",
    [
        {},
        ordered(target=7),
        ordered(target="nowhere"),
        ordered(initial={}),
        ordered(demand="sleep"),
        ordered(think_time="long"),
        {**ORDER, "group": None},
    ],
)
def test_an_order_that_is_invalid_is_refused(order: dict[str, Any]) -> None:
    with pytest.raises(
        ConductorLostError, match=r"its order is invalid|lost: invalid (Share|GroupOrder)"
    ):
        conducted(lambda channel: channel.send("load", **order))


def test_a_start_that_is_invalid_is_refused() -> None:
    def script(channel: Channel) -> None:
        channel.send("load", **ORDER)
        channel.receive()
        channel.send("start", start_ns="now")

    with pytest.raises(ConductorLostError, match="its start is invalid"):
        conducted(script)


def test_a_target_without_an_address_is_named() -> None:
    order = ordered(target=f"{'x' * 70}:3000")  # longer than a host name may be
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **order)
        reported.update(channel.receive())

    with pytest.raises(UnresolvedError, match=r"no host name|no address"):
        conducted(script)
    assert reported["type"] == "refused"


def test_a_conductor_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "CONDUCTOR_DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    with pytest.raises(ConductorLostError, match=f"no conductor at {host}:{port}"):
        play((host, port), "5ec7e7")


def test_a_behaviour_that_this_machine_refuses_is_reported_to_the_conductor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_family: int) -> None:
        raise BehaviourError("not here")

    monkeypatch.setattr("client.scripted_loop._check_vanishing", refuse)
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(behaviour="vanish"))
        reported.update(channel.receive())

    with pytest.raises(BehaviourError, match="not here"):
        conducted(script)
    assert reported == {"type": "refused", "reason": "not here"}


def test_a_run_that_times_out_is_reported_all_the_same() -> None:
    reported: dict[str, Any] = {}
    with socket.create_server(("127.0.0.1", 0)) as silent:  # never accepts: no ack ever comes
        target = f"127.0.0.1:{silent.getsockname()[1]}"

        def script(channel: Channel) -> None:
            channel.send("load", **ordered(target=target, timeout_s=0.1))
            channel.receive()
            channel.send("start", start_ns=time.monotonic_ns())
            reported.update(result_of(channel))

        conducted(script)
    assert reported["books"] == {
        "sent": 2,
        "acked": 0,
        "failed": 2,
        "unsent": 4,
        "in_flight": 0,
        "retries": 0,
    }
    assert reported["errors"]["timed_out"] == 2


def test_a_replica_that_comes_late_says_that_it_was_turned_away() -> None:
    with pytest.raises(ConductorLostError, match="turned it away: the run has begun without it"):
        conducted(lambda channel: channel.send("dismissed", reason="the run has begun without it"))


def test_a_start_still_to_come_is_waited_for_without_spinning() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ORDER)
        channel.receive()
        reported["from_ns"] = time.monotonic_ns() + 300_000_000
        channel.send("start", start_ns=reported["from_ns"])
        reported.update(result_of(channel))

    conducted(script)
    assert reported["first_connect_ns"] >= reported["from_ns"]
    assert reported["health"]["cpu_s"] < 0.2


def test_the_client_s_own_health_is_part_of_the_result() -> None:
    reported: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ordered(loop="open", initial=100.0, stages=[(0.1, 100.0)]))
        channel.receive()
        channel.send("start", start_ns=time.monotonic_ns())
        reported.update(result_of(channel))

    conducted(script)
    health = reported["health"]
    assert health["lags"] == 5
    assert 0 <= health["lag_p50_ns"] <= health["lag_p99_ns"] <= health["lag_max_ns"]
    assert health["cpu_s"] > 0
    assert health["wall_s"] >= 0.09
