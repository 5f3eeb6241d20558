"""What a client reports of itself that only the kernel knows."""

from pathlib import Path

import pytest

from client import health
from client.health import throttled_periods

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
