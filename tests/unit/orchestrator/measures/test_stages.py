"""The stages of a request are measures, one for each, of the same unit as their sum."""

from orchestrator.measures.dimensions import TIME
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.stages import MEASURES_OF_STAGES, STAGES


def test_each_stage_has_a_measure_in_their_order() -> None:
    own = [name for name in MEASURES if name.startswith("time_in_")]
    assert own == list(MEASURES_OF_STAGES) == [f"time_in_{stage}" for stage in STAGES]
    assert {MEASURES[name].dimension for name in own} == {TIME}


def test_the_measures_of_groups_include_them() -> None:
    assert all(MEASURES[name].is_of_group for name in MEASURES_OF_STAGES)
