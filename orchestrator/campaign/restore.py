"""Analyses stored results again: the same findings from the raw files. Runs nothing."""

import json
from pathlib import Path

from pydantic import ValidationError

from orchestrator.campaign.evaluate_run import evaluate_run
from orchestrator.campaign.retries import with_retries
from orchestrator.campaign.summarise import Findings, planned_cases, summarise
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import MisuseError
from orchestrator.results.summary import Summary
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule


class RestoreError(MisuseError):
    """The folder does not hold the results of a campaign; the message says what is missing."""


def restore(archive: Archive) -> Findings:
    """Analyse the raw files in ``archive`` with the current code, and store the samples again.

    The stored summary says when, where and how the campaign ended.

    Raises:
        RestoreError: the folder does not hold complete results.
        ArchiveError: the samples cannot be stored.
    """
    folder = archive.path
    try:
        summary = read_summary(folder)
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        scenario = load_scenario(folder / "scenario.yaml", known_models=None)
        runs = schedule(scenario)
        ended = {run.slug for case in summary.cases for run in (*case.runs, *case.disturbed)}
        cases = planned_cases(runs)
        evaluations = [
            evaluate_run(scenario, run, archive, cases) for run in with_retries(runs, ended)
        ]
    except OSError as exc:
        reason = f"{exc.filename}: {(exc.strerror or str(exc)).lower()}"
        raise RestoreError(f"{folder} does not hold complete results: {reason}") from exc
    except (ValueError, KeyError) as exc:  # ValueError includes ScenarioError
        raise RestoreError(f"{folder} does not hold complete results: {exc}") from exc
    findings = Findings(summary, environment, {}, text, folder.name)
    return summarise(findings, scenario, evaluations)


def read_summary(folder: Path) -> Summary:
    """Return the stored summary in ``folder``.

    Raises:
        RestoreError: another version of the lab wrote it.
        OSError: it cannot be read.
    """
    path = folder / "summary.json"
    try:
        return Summary.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        raise RestoreError(f"{path} was written by an incompatible version") from exc
