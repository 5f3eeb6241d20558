import math

from orchestrator.analysis.clock_errors import of_one_client, with_errors
from orchestrator.analysis.statistics import Figures
from orchestrator.measures.bounds import AtLeast, Within, error_of


def test_a_figure_that_moves_with_the_clients_is_within_the_largest_change() -> None:
    figures: Figures = {
        "wait": 1.0,
        "own": 2.0,
        "unknown": None,
        "bound": AtLeast(3.0),
        "nan": math.nan,
    }
    ends: list[Figures] = [
        {"wait": 0.9, "own": 2.0, "unknown": None, "bound": AtLeast(2.0), "nan": 1.0},
        {"wait": 1.2, "own": 2.0 * (1 + 1e-12), "unknown": 1.0, "bound": AtLeast(4.0), "nan": 1.0},
    ]
    found = with_errors(figures, ends)
    assert found["wait"] == 1.0
    assert math.isclose(error_of(found["wait"]), 0.2)
    assert not isinstance(found["own"], Within)
    assert found["unknown"] is None
    assert isinstance(found["bound"], AtLeast)


def test_a_figure_that_is_unknown_at_one_end_has_the_error_of_the_other() -> None:
    assert error_of(with_errors({"wait": 1.0}, [{"wait": None}, {"wait": 1.5}])["wait"]) == 0.5


def test_times_between_two_instants_of_a_client_are_told_from_waits_for_the_server() -> None:
    figures: Figures = {
        "makespan": 1.0,
        "response_time_p99": 2.0,
        "waiting_time_mean": 3.0,
        "acked": 4.0,
    }
    assert of_one_client(figures) == {"makespan": 1.0, "response_time_p99": 2.0}
