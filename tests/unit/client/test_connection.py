import pytest

from client.connection import failure_kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, ""), "refused"),
        (ConnectionResetError(104, ""), "reset"),
        (BrokenPipeError(32, ""), "reset"),
        (TimeoutError(110, ""), "timed_out"),
        (OSError(113, "no route"), "unreachable"),
        (OSError(99, "no local port"), "exhausted"),
        (OSError(24, "no descriptor"), "exhausted"),
        (OSError(11, "no local port, says connect(2)"), "exhausted"),
        (OSError("no number"), "unreachable"),
    ],
)
def test_an_error_has_its_kind(error: OSError, kind: str) -> None:
    assert failure_kind(error.errno) == kind
