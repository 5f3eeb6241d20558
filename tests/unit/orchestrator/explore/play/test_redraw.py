import json
from statistics import median
from time import perf_counter

import pytest

from orchestrator.explore.play.redraw import explain, redraw
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls, said

MOST_S = 0.1


def test_an_answer_is_json_with_all_that_a_page_shows() -> None:
    new, old = controls(users=6), controls(users=5)
    answer = redraw(new, old, CPUS)
    assert json.loads(json.dumps(answer)) == answer
    assert answer["controls"] == new.as_data()
    assert answer["sentence"] == explain(new, old, CPUS) == said(new, old)
    assert "users: 6" in answer["yaml"]
    assert "<svg" in answer["picture"]


@pytest.mark.slow
@pytest.mark.parametrize("models", [("prefork", "epoll"), ("single", "half_sync")])
def test_a_hundred_users_are_redrawn_within_100_ms(
    models: tuple[str, str], *, is_long: bool
) -> None:
    """The median of 50 moves, of CPU time that the machine may lend to others meanwhile."""
    before = controls(*models, users=100, messages=5)
    took_s = []
    for move in range(50 if is_long else 10):
        now = before.with_value("workers", 1 + move % 32).with_value("service_ms", 100 + move)
        begin_s = perf_counter()
        json.dumps(redraw(now, before, CPUS))
        took_s.append(perf_counter() - begin_s)
        before = now
    assert median(took_s) < (MOST_S if is_long else 5 * MOST_S)
