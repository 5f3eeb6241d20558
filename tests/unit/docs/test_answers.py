"""Every ready scenario, example and lesson answers its question, however the run comes out."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.campaign.answer import sentences_of
from orchestrator.campaign.answer_values import CaseValues
from orchestrator.campaign.case_names import CaseKey, axes_of
from orchestrator.measures.registry import full_name, is_input
from orchestrator.measures.syntax import RATIO
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario

PATTERNS = ("scenarios/*.yaml", "examples/*/scenario.yaml", "docs/lessons/*.yaml")
FILES = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
TRACES = ("None", "nan", "inf ", "{", "}", "  ")
VALUES = st.none() | st.integers(0, 20_000).map(float) | st.floats(0, 1e4)


@cache
def loaded(path: Path) -> Scenario:
    return load_scenario(path, discover_models())


def measured_names(scenario: Scenario) -> list[str]:
    written = [name for sentence in scenario.answer for _, name in sentence.names]
    names = [full_name(name.model if name.name == RATIO else name.name) for name in written]
    return [name for name in dict.fromkeys(names) if not is_input(name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_ready_scenario_has_an_answer_and_columns_for_it(path: Path) -> None:
    scenario = loaded(path)
    assert scenario.answer
    assert len(scenario.answer) <= 3
    assert scenario.shown


@settings(max_examples=30)
@given(st.sampled_from(FILES).map(loaded), st.data())
def test_an_answer_is_a_sentence_for_any_values(scenario: Scenario, data: st.DataObject) -> None:
    names = measured_names(scenario)
    cases = [
        CaseValues(
            CaseKey(case.model, axes_of(case.axes)),
            [{**case.inputs(), **{name: data.draw(VALUES) for name in names}}],
        )
        for case in plan_cases(scenario)
    ]
    found = " ".join(sentences_of(scenario.answer, cases)).replace("None of ", "none of ")
    assert found.endswith((".", ". "))
    assert not any(trace in found for trace in TRACES)
