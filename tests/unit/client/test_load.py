"""The time-out of the whole run, which every loop and every behaviour keeps."""

import socket
import time
from typing import Any

import pytest

from client.behaviours import BEHAVIOURS
from labkit.wire.samples import FAILURES, OUTCOMES
from tests.unit.client.server_fixtures import connections_of, loop_of, ran

TIMEOUT_S = 0.2
LATE_S = 10.0
FOREVER: dict[str, Any] = {"initial": 2, "messages": 50, "pace_s": 60.0}
OPEN: dict[str, Any] = {"loop": "open", "initial": 100.0, "stages": ((60.0, 100.0),)}
RAMP: dict[str, Any] = {"initial": 1, "stages": ((60.0, 600.0),), "messages": None}
# `vanish` differs from `reset` in its last step alone, and takes a privilege.
UNPRIVILEGED = sorted(BEHAVIOURS.keys() - {"vanish"})


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(FOREVER, id="closed"),
        pytest.param(RAMP, id="ramped users"),
        pytest.param(OPEN, id="open"),
        pytest.param({**OPEN, "connections": 3}, id="open over a pool"),
        pytest.param({**FOREVER, "start_s": 60.0}, id="not yet come"),
        pytest.param({**FOREVER, "initial": 0, "stages": ((60.0, 2.0),)}, id="users to come"),
        *(pytest.param({**FOREVER, "behaviour": name}, id=name) for name in UNPRIVILEGED),
    ],
)
def test_a_run_ends_at_its_time_out_and_all_that_is_open_has_failed(
    group: dict[str, Any],
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=500) as silent:  # never accepts
        loop = loop_of(silent.getsockname(), timeout_s=TIMEOUT_S, **group)
        begun_s = time.monotonic()
        rows = ran(loop)  # which checks that the counts add up
        took_s = time.monotonic() - begun_s
    assert TIMEOUT_S <= took_s < LATE_S
    assert {OUTCOMES[row.outcome] for row in rows} <= {"timed_out"}
    lives = connections_of(loop)
    assert {life.outcome for life in lives} <= {1 + FAILURES.index("timed_out")}
    assert loop.recorder.errors["timed_out"] == len(lives)
    assert not loop.is_stopped
