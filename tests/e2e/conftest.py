from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import ROOT, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give this checkout; whatever a test does with it, no process may stay."""
    found = Lab(ROOT, tmp_path / "results")
    yield found
    assert found.left_processes() == []
