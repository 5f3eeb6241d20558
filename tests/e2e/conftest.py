from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Yield this checkout; no process of it may remain after the test."""
    found = Lab(ROOT, tmp_path / "results")
    yield found
    assert found.left_processes() == []
