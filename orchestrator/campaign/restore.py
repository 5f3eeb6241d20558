"""Stored results, analysed again: the same findings from the raw files, nothing is run."""

import json

from pydantic import ValidationError

from orchestrator.campaign.evaluate_run import conclude
from orchestrator.campaign.summarise import Findings, aggregate, compare, first_exhibits
from orchestrator.campaign.verdict import exit_code
from orchestrator.results.archive import Archive
from orchestrator.results.summary import Summary
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule
from orchestrator.scenario.yaml_document import ScenarioError


class RestoreError(Exception):
    """The folder does not hold the results of a campaign; the message says what is missing."""


def restore(archive: Archive) -> Findings:
    """Return what the raw files in ``archive`` say by today's analysis, and store its samples anew.

    Circumstances and how the campaign ended are taken from its own summary.

    Raises:
        RestoreError: it holds no results, or not all that they are made of.
        ArchiveError: the samples cannot be stored.
    """
    folder = archive.path
    try:
        told = Summary.model_validate_json((folder / "summary.json").read_bytes())
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        scenario = load_scenario(folder / "scenario.yaml", known_models=None)
        ended = {run.slug for case in told.cases for run in case.runs}
        found = [
            conclude(scenario, run, archive) for run in schedule(scenario) if run.slug in ended
        ]
    except ValidationError as exc:
        raise RestoreError(f"{folder / 'summary.json'} is no summary of this version") from exc
    except OSError as exc:
        why = f"{exc.filename}: {(exc.strerror or str(exc)).lower()}"
        raise RestoreError(f"{folder} does not hold complete results: {why}") from exc
    except (ValueError, KeyError, ScenarioError) as exc:
        raise RestoreError(f"{folder} does not hold complete results: {exc}") from exc
    cases = aggregate(scenario, found)
    comparisons, rankings = compare(scenario, found, accept_invalid=told.accepts_invalid)
    update = {
        "cases": cases,
        "comparisons": comparisons,
        "rankings": rankings,
        "exit_code": exit_code(
            told.status, cases, comparisons, accept_invalid=told.accepts_invalid
        ),
    }
    summary = told.model_copy(update=update)
    return Findings(summary, environment, first_exhibits(found), text, folder.name)
