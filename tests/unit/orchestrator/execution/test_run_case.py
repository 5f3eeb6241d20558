"""How the programs of the clients ended, attributed to the replicas."""

from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.execution.backend import ClientEnd
from orchestrator.execution.load_driver import ClientReports
from orchestrator.execution.run_case import attribute_exits, describe_exit

Replicas = Sequence[dict[str, Any]]


def attributed(*clients: ClientEnd, replicas: Replicas = (), lost: Replicas = ()) -> ClientReports:
    reports = ClientReports(0, list(replicas), list(lost), {})
    attribute_exits(reports, clients)
    return reports


def replica(number: int, host: str | None, pid: int | None, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"replica": number, "host": host, "pid": pid, **fields}


def test_processes_of_one_host_are_told_apart_by_their_numbers() -> None:
    reports = attributed(
        ClientEnd("client-000", "here", 10, 0),
        ClientEnd("client-001", "here", 11, 3),
        replicas=[replica(0, "here", 11), replica(1, "here", 10)],
    )
    assert [(one["program"], one["exit_code"]) for one in reports.replicas] == [
        ("client-001", 3),
        ("client-000", 0),
    ]


def test_a_container_is_known_by_its_name_alone() -> None:
    reports = attributed(
        ClientEnd("client-000", "facade", None, 1),
        ClientEnd("client-001", "c0ffee", None, 0),
        replicas=[replica(0, "c0ffee", 7)],
    )
    assert reports.replicas[0]["program"] == "client-001"
    assert reports.replicas[0]["exit_code"] == 0


def test_a_lost_replica_gives_how_its_program_ended_as_a_reason() -> None:
    reports = attributed(
        ClientEnd("client-000", "here", 13, 1),
        ClientEnd("client-001", "here", 10, -9),
        ClientEnd("client-002", "here", 12, 0),
        lost=[
            replica(0, "here", 10, reason="left before its result came"),
            replica(1, None, None, reason="did not enrol within 30 s"),
            replica(2, "here", 12, reason="sent nonsense"),
            replica(3, None, None, reason="did not enrol within 30 s"),
        ],
    )
    assert [one["reason"] for one in reports.lost] == [
        "left before its result came, client-001 was ended by SIGKILL",
        "did not enrol within 30 s, client-000 ended with exit code 1",
        "sent nonsense",
        "did not enrol within 30 s",
    ]
    assert [one["exit_code"] for one in reports.lost] == [-9, 1, 0, None]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-15, "was ended by SIGTERM"),
        (137, "was ended by SIGKILL"),
        (130, "was ended by SIGINT"),
        (3, "ended with exit code 3"),
        (255, "ended with exit code 255"),
    ],
)
def test_an_exit_code_is_put_in_words(code: int, said: str) -> None:
    assert describe_exit(code) == said
