import json
from pathlib import Path

import jsonschema
import pytest

from orchestrator.cli.schema import (
    DOCS,
    MEASURES_PAGE,
    capacity_schema_json,
    hosts_schema_json,
    measures_table,
    reproduction_schema_json,
    schema_json,
    with_measures,
)
from orchestrator.measures.registry import MEASURES
from orchestrator.report.publish import capacity_json, reproduction_json
from orchestrator.results.capacity import (
    Capacity,
    CaseCapacity,
    LoadResult,
    ObjectiveFigures,
    TrialResult,
)
from orchestrator.results.reproduction import Cell, ClaimResult, FileResult, Reproduction
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Expectation,
    FaultSummary,
    Frozen,
    Guess,
    Instrument,
    OverTime,
    Ranking,
    RunSummary,
    Summary,
    TwinSummary,
)
from orchestrator.scenario.models import ROOT
from tests.unit.orchestrator.capacity.capacity_fixtures import (
    asked,
    capacity,
    cheapest,
    without_figure,
)
from tests.unit.orchestrator.report.report_fixtures import FAILED, PASSED, UNKNOWN, case, summary
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import OPEN, reproduction

HOW = "out of step; run python -m orchestrator.cli.schema"


def test_the_published_schema_is_in_step() -> None:
    assert (DOCS / "summary.schema.json").read_text(encoding="utf-8") == schema_json(), HOW


def test_the_published_schema_of_hosts_files_is_in_step() -> None:
    assert (DOCS / "hosts.schema.json").read_text(encoding="utf-8") == hosts_schema_json(), HOW


def test_the_published_schema_of_a_capacity_search_is_in_step() -> None:
    published = (DOCS / "capacity.schema.json").read_text(encoding="utf-8")
    assert published == capacity_schema_json(), HOW


def test_a_reproduction_as_written_satisfies_the_published_schema() -> None:
    published = (DOCS / "reproduction.schema.json").read_text(encoding="utf-8")
    assert published == reproduction_schema_json(), HOW
    jsonschema.Draft202012Validator.check_schema(json.loads(published))
    written = json.loads(reproduction_json(reproduction(OPEN)))
    jsonschema.validate(written, json.loads(published))


def test_a_capacity_search_as_written_satisfies_the_schema() -> None:
    whole = capacity(
        asked("epoll", 200, (246, 300)), without_figure(), at=200.0, cheapest=[cheapest("epoll")]
    )
    schema = json.loads(capacity_schema_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(capacity_json(whole)), schema)


def test_the_published_measures_are_in_step() -> None:
    page = (DOCS / MEASURES_PAGE).read_text(encoding="utf-8")
    assert page == with_measures(page), HOW
    assert measures_table() in page


def test_the_table_names_every_measure() -> None:
    assert all(f"`{measure.key}`" in measures_table() for measure in MEASURES.values())


@pytest.mark.parametrize(
    "model",
    [
        Summary,
        CaseSummary,
        RunSummary,
        Expectation,
        Comparison,
        Ranking,
        Guess,
        Instrument,
        FaultSummary,
        TwinSummary,
        OverTime,
        Capacity,
        CaseCapacity,
        LoadResult,
        TrialResult,
        ObjectiveFigures,
        Reproduction,
        FileResult,
        ClaimResult,
        Cell,
    ],
)
def test_every_field_is_documented(model: type[Frozen]) -> None:
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in page] == []


def test_a_summary_as_written_satisfies_the_schema() -> None:
    whole = summary(
        case(expectations=[PASSED, FAILED, UNKNOWN], measures={"cpu_time_s": None}),
        case(axes={"workers": 2, "demand": "sleep=1s", "blocking": True}, invalid=["host busy"]),
    )
    schema = json.loads(schema_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(whole.model_dump_json()), schema)


@pytest.mark.parametrize("change", [{"status": "fine"}, {"cases": None}, {"surprise": 1}])
def test_the_schema_refuses_what_no_campaign_writes(change: dict[str, object]) -> None:
    written = json.loads(summary(case()).model_dump_json()) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, json.loads(schema_json()))


READY = sorted(
    path
    for folder in ("scenarios", "docs/lessons", "examples")
    for path in (ROOT / folder).rglob("*.yaml")
)


@pytest.mark.parametrize("path", READY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_line_of_a_ready_scenario_names_its_schema_for_editors(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    directive, _, schema = first.partition("$schema=")
    assert directive == "# yaml-language-server: "
    assert (path.parent / schema).resolve() == DOCS / "scenario.schema.json"
