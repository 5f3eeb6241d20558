"""When messages are served again as before the faults, on tables made by hand."""

from collections.abc import Sequence

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.results.fault_log import FaultRecord
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    Sent,
    at,
    connection,
    evidence,
    replica,
)

EVERY_MS = 10
PAUSED = FaultRecord("pause", at(1000), at(1001), at(2000), at(2003), error="")


def recovery(sent: Sequence[Sent], fault: FaultRecord = PAUSED, **changes: object) -> float | None:
    """Return the recovery time of a run in which ``sent`` was sent."""
    return analyse(evidence([replica(0, sent, **changes)], [], faults=(fault,))).measures[
        "recovery_time"
    ]


def message(number: int, took_ms: float, outcome: str = "acked") -> Sent:
    due_ms = EVERY_MS * number
    return Sent(0, due_ms, due_ms + took_ms, outcome, message=number, due_ms=due_ms)


def took_ms(number: int, hurt_until_ms: float) -> float:
    """1 ms, but those due during the fault wait for its end, and 50 ms for some time after it."""
    due_ms = EVERY_MS * number
    if 1000 <= due_ms < 2000:
        return 2000 - due_ms + 1
    return 50 if 2000 <= due_ms < hurt_until_ms else 1


@pytest.mark.parametrize("hurt_until_ms", [2000, 2500, 3000])
def test_recovery_lasts_while_messages_due_after_the_fault_are_hurt(hurt_until_ms: int) -> None:
    """All that had waited is answered at the end of the pause, which is not recovery."""
    sent = [message(number, took_ms(number, hurt_until_ms)) for number in range(400)]
    assert recovery(sent) == pytest.approx((hurt_until_ms - 2000) / 1e3)


def test_a_run_that_stays_slow_has_not_recovered() -> None:
    assert recovery([message(number, took_ms(number, 1e6)) for number in range(400)]) is None


def test_messages_that_fail_or_get_no_answer_are_hurt() -> None:
    for outcome in ("reset", "in_flight"):
        sent = [
            message(number, 1, outcome if 200 <= number < 250 else "acked") for number in range(400)
        ]
        assert recovery(sent) == pytest.approx(0.5)


def test_a_message_in_ten_may_be_slow_and_two_may_not() -> None:
    """As before the fault, when a tenth of the messages took longer than the 90th percentile."""
    one = [message(number, 50 if number % 10 == 5 else 1) for number in range(400)]
    assert recovery(one) == pytest.approx(0.0)
    two = [message(n, 50 if n >= 200 and n % 10 in {3, 5} else 1) for n in range(400)]
    assert recovery(two) is None


def test_messages_that_were_never_sent_delay_the_recovery() -> None:
    sent = [message(number, 1) for number in range(400) if not 200 <= number < 250]
    assert recovery(sent) == pytest.approx(0.5)


def test_connections_that_are_refused_after_the_fault_delay_the_recovery() -> None:
    """No row of samples shows their messages, and every other message is answered."""
    refused = range(200, 300, 2)
    sent = [message(number, 1) for number in range(400) if number not in refused]
    never = [connection(n, None)._replace(begun_ns=at(EVERY_MS * n)) for n in refused]
    found = recovery(sent, connections=[connection(0), *never])
    assert found == pytest.approx(0.97)  # of the ten from there on, one is refused


def test_with_few_messages_before_or_after_recovery_is_unknown() -> None:
    steady = [message(number, 1) for number in range(400)]
    assert recovery([*steady[:9], *steady[100:]]) is None
    assert recovery(steady[:209]) is None
    assert recovery(steady[:210]) == pytest.approx(0.0)


def test_sparse_messages_recover_by_their_number_not_by_a_tenth_of_a_second() -> None:
    """At one message in 100 ms each tenth of a second has one, which shows nothing alone."""
    sparse = [message(number, 50 if number == 210 else 1) for number in range(0, 400, 10)]
    assert recovery(sparse) == pytest.approx(0.0)
    bad = [message(n, 50 if n in {210, 230} else 1) for n in range(0, 400, 10)]
    assert recovery(bad) == pytest.approx(0.2)


def test_a_fault_that_is_not_reverted_ends_at_its_effect() -> None:
    killed = FaultRecord("kill-worker", at(1000), at(1004), error="")
    sent = [message(number, 50 if 100 <= number < 120 else 1) for number in range(400)]
    assert recovery(sent, killed) == pytest.approx(0.196)


def test_without_a_fault_that_took_effect_there_is_no_recovery() -> None:
    failed = FaultRecord("kill", at(1000), error="it had gone")
    assert recovery([message(number, 1) for number in range(400)], failed) is None
