import pytest

from client.console import ENDS, Console
from client.message_format import MessageFormat
from client.user import User
from labkit.wire.samples import FAILURES
from tests.unit.client.share_fixtures import share_of


@pytest.mark.parametrize("failure", [None, *FAILURES])
def test_every_end_of_a_connection_has_a_line(
    failure: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    user = User(0, MessageFormat(share_of()), due_ns=0)
    user.goodbye()
    Console(0, "lab:3000").report_closed(user, failure)
    assert capsys.readouterr().out.endswith(f" s  client 1  {ENDS[failure]}\n")


def test_the_replica_number_of_a_container_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Console(0, "lab:3000").report_replica(3, "lab-client-3.lab_default")
    line = "replica 3: messages begin with r3 (container lab-client-3.lab_default)"
    assert line in capsys.readouterr().out
