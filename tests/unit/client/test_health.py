"""What a client reports of itself that only the kernel knows."""

from array import array
from pathlib import Path

import pytest

from client import health
from client.health import HealthMonitor, run_delay_s, throttled_periods

SECOND = "usage_usec 5\nnr_periods 9\nnr_throttled 4\nthrottled_usec 7\n"
FIRST = "nr_periods 9\nnr_throttled 6\nthrottled_time 7000\n"
ROOT_OF_SECOND = "usage_usec 5\nuser_usec 4\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((SECOND, None), 4),
        ((None, FIRST), 6),
        ((ROOT_OF_SECOND, FIRST), 6),
        ((ROOT_OF_SECOND, None), None),
        ((None, "nr_throttled six\n"), None),
        ((None, None), None),
    ],
)
def test_throttling_is_read_from_either_version_of_cgroups(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    files: tuple[str | None, ...],
    expected: int | None,
) -> None:
    paths = tuple(tmp_path / str(number) for number, _ in enumerate(files))
    for path, text in zip(paths, files, strict=True):
        if text is not None:
            path.write_text(text)
    monkeypatch.setattr(health, "CPU_STATS", paths)
    assert throttled_periods() == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("7 2500000 9\n", 0.0025), ("", None), ("7 x 9", None), (None, None)]
)
def test_the_run_delay_is_that_of_the_kernel_or_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, expected: float | None
) -> None:
    path = tmp_path / "schedstat"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(health, "SCHEDSTAT", path)
    assert run_delay_s() == expected


def test_only_the_delay_during_the_run_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "schedstat"
    path.write_text("0 2000000 1")
    monkeypatch.setattr(health, "SCHEDSTAT", path)
    with HealthMonitor(start_ns=0) as monitor:
        path.write_text("0 5000000 2")
    assert monitor.result(array("Q"))["run_delay_s"] == pytest.approx(0.003)
