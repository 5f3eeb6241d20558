"""The contract as a command: its report and its exit codes, on servers good, bad and absent."""

import subprocess
import sys

from tests.harness import Starter, starting
from tests.models import ROOT


def _try(*arguments: str) -> tuple[int, str]:
    tried = subprocess.run(
        [sys.executable, "-m", "tests.conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return tried.returncode, tried.stdout + tried.stderr


def test_a_good_server_passes_and_what_cannot_be_tried_is_named() -> None:
    with starting("services.single.server") as start:
        code, report = _try(f"127.0.0.1:{start().port}", "--only", "protocol or (log and level)")
    assert code == 0, report
    assert "passed            0.0" in report
    assert "protocol: a split goodbye still closes\n" in report
    assert "not applicable" in report
    assert "log: each level is complete in itself (trace): needs the server's process" in report
    assert " 0 failed" in report


def test_a_bad_server_fails_and_the_report_says_where() -> None:
    with starting("tests.broken_servers.drops_an_ack") as start:
        code, report = _try(f"127.0.0.1:{start().port}", "--only", "in_one_segment")
    assert code == 1, report
    assert "FAILED" in report
    assert "protocol: messages in one segment are each acked" in report
    assert "assert b'ackackack' == b'ackackackack'" in report


def test_a_model_of_ours_is_tried_by_name() -> None:
    code, report = _try("--model", "single", "--only", "limits_are_settings or counted")
    assert code == 0, report
    assert "2 passed, 0 failed, 0 not applicable" in report


def test_where_nothing_can_be_tried_the_exit_code_is_its_own() -> None:
    with starting("services.single.server") as start:
        server = start()
        port = server.port
        server.stop()
    for arguments in (["nowhere"], ["host:port"], [f"127.0.0.1:{port}"], []):
        code, report = _try(*arguments)
        assert code == 2, report
        assert "Traceback" not in report


def test_a_name_that_matches_nothing_has_proved_nothing(start: Starter) -> None:
    code, report = _try(f"127.0.0.1:{start().port}", "--only", "no_such_check")
    assert code == 2, report
