"""SIGTERM under load, repeatedly: the log and the clients agree.

The log is read in both formats, in turn. The text log has `serving …` before each service, so it
shows which services had begun; the JSON log has every connection. Joined by request id, exactly:

- begun (text) = acknowledged at a client; acknowledged in the log (either) = at a client. An ack
  that is on its way when the server closes arrives: the server sends FIN, and bytes received before
  an RST stay readable.
- connected at a client = accepted + reset in the accept queue (JSON), except connections whose
  handshake ended in the microseconds between the last count of the queue and the close of the
  listener: the kernel resets these, and the client sees it. They are few, and are printed.
"""

import random
import re
import signal
import time

import pytest

from conformance import discover_variants
from conformance.server_process import RunningServer, Starter, starting_variant
from conformance.target import RemoteTarget, await_true
from tests.endurance.load_fixtures import Visitor, visitors

DRAIN_TIMEOUT_S = 10
VISITORS = 8
MAX_ACKS = 200


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("model", discover_variants())
def test_every_service_begun_is_acked(model: str, is_long: bool) -> None:
    repeats = 200 if is_long else 4
    begun = acked = connected = queued = uncounted = 0
    with starting_variant(model) as start:
        for repeat in range(repeats):
            as_text = repeat % 2 == 0
            server, crowd = _drain_once(start, repeat, as_text=as_text)
            at_clients = sorted(m for v in crowd for talk in v.talks for m in talk.ids_acked)
            acked += len(at_clients)
            if as_text:
                text = b"".join(server.lines).decode()
                assert sorted(re.findall(r"serving (\S+) of", text)) == at_clients
                assert sorted(re.findall(r"acked (\S+) of", text)) == at_clients
                begun += len(at_clients)
                continue
            server.assert_log_complete()
            assert sorted(event["request"] for event in server.of("request_acked")) == at_clients
            talks = sum(len(visitor.talks) for visitor in crowd)
            reset = server.of("drain_begun")[0]["accept_queue_reset"]
            known = len(server.of("accepted")) + reset
            assert known <= talks
            connected, queued, uncounted = (
                connected + talks,
                queued + reset,
                uncounted + talks - known,
            )
    print(
        f"\n{model}: {repeats} drains, {acked} acks, of {begun} services seen to begin all acked; "
        f"{connected} connections, {queued} reset in the accept queue, {uncounted} as it closed"
    )
    assert uncounted <= 3 + connected // 50  # rare


def _drain_once(start: Starter, seed: int, *, as_text: bool) -> tuple[RunningServer, list[Visitor]]:
    acks = random.Random(seed).randint(1, MAX_ACKS)
    log_format = "text" if as_text else "json"
    server = start.launch(
        LAB_LOG_FORMAT=log_format, LAB_WORKERS="3", LAB_DRAIN_TIMEOUT=f"{DRAIN_TIMEOUT_S}s"
    )
    with visitors(RemoteTarget("127.0.0.1", _port(server)), VISITORS, seed) as crowd:
        await_true(lambda: sum(visitor.acks for visitor in crowd) >= acks, f"{acks} acks")
        server.send_signal(signal.SIGTERM)
        begun_s = time.monotonic()
        assert server.wait() == 0, server.stderr
        assert time.monotonic() - begun_s < DRAIN_TIMEOUT_S
    return server, crowd


def _port(server: RunningServer) -> int:
    pattern = re.compile(rb'listening on 127.0.0.1:(\d+)|"port":(\d+)')
    server.await_true(lambda: bool(pattern.search(b"".join(server.lines))), "listening")
    found = pattern.search(b"".join(server.lines))
    assert found is not None
    return int(found[1] or found[2])
