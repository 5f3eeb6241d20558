"""How soon the page of ``explore`` draws what a run measures; other tests would make it late."""

import time
from contextlib import closing

import pytest

from tests.e2e.lab_fixtures import Lab
from tests.e2e.test_explore import LONG, served

FIRST_LANE_S = 5.0


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.parametrize("backend", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_the_first_measured_lane_is_soon_there(lab: Lab, backend: str) -> None:
    """With images built; of two runs, since the first may have to read programs from the disk."""
    waits_s = []
    with served(lab) as page:
        for _ in range(2):
            begun_s = time.monotonic()
            page.run(LONG, backend)
            with closing(page.follow()) as following:
                scenes = (each.get("scene:prefork", "") for each in following)
                assert any("prefork, measured" in scene for scene in scenes)
            waits_s.append(time.monotonic() - begun_s)
            page.ask("run/stop", {})
            *_, _ = page.follow()
    assert min(waits_s) <= FIRST_LANE_S
