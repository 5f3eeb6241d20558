"""``python -m conformance``: its report and its exit codes."""

import subprocess
import sys

from conformance import ROOT
from conformance.server_process import starting


def _run(*arguments: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_good_server_passes_and_checks_that_do_not_apply_are_named() -> None:
    with starting("services.single.server") as start:
        code, report = _run(f"127.0.0.1:{start().port}", "--only", "protocol or (log and level)")
    assert code == 0, report
    assert "passed            0.0" in report
    assert "protocol: a split goodbye still closes\n" in report
    assert "not applicable" in report
    assert "log: each level is complete in itself (trace): needs the server's process" in report
    assert " 0 failed" in report


def test_a_bad_server_fails_and_the_report_says_where() -> None:
    with starting("conformance.broken_servers.drops_an_ack") as start:
        code, report = _run(f"127.0.0.1:{start().port}", "--only", "in_one_segment")
    assert code == 1, report
    assert "FAILED" in report
    assert "protocol: messages in one segment are each acked" in report
    assert "assert b'ackackack' == b'ackackackack'" in report


def test_a_model_is_selected_by_name() -> None:
    code, report = _run("--model", "single", "--only", "limits_are_settings or counted")
    assert code == 0, report
    assert "2 passed, 0 failed, 0 not applicable" in report


def test_a_server_that_cannot_be_reached_has_its_own_exit_code() -> None:
    with starting("services.single.server") as start:
        server = start()
        port = server.port
        server.stop()
    for arguments in (["nowhere"], ["host:port"], [f"127.0.0.1:{port}"], []):
        code, report = _run(*arguments)
        assert code == 2, report
        assert "Traceback" not in report


def test_a_name_that_matches_no_check_is_not_a_pass() -> None:
    with starting("services.single.server") as start:
        code, report = _run(f"127.0.0.1:{start().port}", "--only", "no_such_check")
    assert code == 2, report
