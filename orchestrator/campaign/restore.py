"""Analyses stored results again: the same findings from the raw files. Runs nothing."""

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.campaign.conditions import Circumstances
from orchestrator.campaign.evaluate_run import evaluate_run, values_of
from orchestrator.campaign.retries import with_retries
from orchestrator.campaign.summarise import Findings, planned_cases, summarise
from orchestrator.measures.bounds import AtLeast, Values, error_of
from orchestrator.measures.registry import key_of, percentiles_in
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import MisuseError
from orchestrator.results.summary import RunSummary, Summary
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule

_Result = TypeVar("_Result", bound=BaseModel)


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
        stored = folder / "environment.json"
        environment = _map_of(stored, stored.read_text(encoding="utf-8"))
        text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        scenario = load_scenario(folder / "scenario.yaml", known_models=None)
        runs = schedule(scenario)
        cases = planned_cases(runs)
        evaluations = [
            evaluate_run(scenario, run, archive, cases)
            for run in with_retries(runs, _ended(summary))
        ]
    except OSError as exc:
        reason = f"{exc.filename}: {(exc.strerror or str(exc)).lower()}"
        raise RestoreError(f"{folder} does not hold complete results: {reason}") from exc
    except (ValueError, KeyError) as exc:  # ValueError includes ScenarioError
        raise RestoreError(f"{folder} does not hold complete results: {exc}") from exc
    findings = Findings(summary, environment, {}, text, folder.name)
    return summarise(findings, scenario, evaluations)


def _ended(summary: Summary) -> set[str]:
    """Return the slugs of all runs that ended, also of those that do not count."""
    return {run.slug for case in summary.cases for run in (*case.runs, *case.disturbed)}


def with_percentiles(summary: Summary, folder: Path, names: Iterable[str]) -> Summary:
    """Return ``summary`` with the percentiles among ``names`` that it lacks, from the raw files.

    ``names`` are full names of measures, also of groups. Nothing is stored.

    Raises:
        RestoreError: the raw files are not complete.
    """
    asked = percentiles_in(names)
    runs = [run for case in summary.cases for run in case.runs]
    keys = {key_of(f"{name}_{each}") for name, of in asked.items() for each in of}
    if all(keys <= run.measures.keys() for run in runs):
        return summary
    try:
        scenario = load_scenario(folder / "scenario.yaml", known_models=None)
        by_slug = {run.slug: run for run in with_retries(schedule(scenario), _ended(summary))}

        def completed(found: RunSummary) -> RunSummary:
            run = by_slug[found.slug]
            run = replace(run, case=replace(run.case, percentiles=asked))
            return _with_values(found, values_of(scenario, run, folder / "raw" / found.slug), keys)

        cases = [
            case.model_copy(update={"runs": [completed(run) for run in case.runs]})
            for case in summary.cases
        ]
    except (OSError, ValueError, KeyError) as exc:
        wanted = ", ".join(sorted(keys))
        reason = f"it has no {wanted}, and its raw files are not complete: {exc}"
        raise RestoreError(f"{folder}: {reason}") from exc
    return summary.model_copy(update={"cases": cases})


def _with_values(found: RunSummary, values: Values, keys: Collection[str]) -> RunSummary:
    """Return ``found`` with those of ``values`` whose keys are among ``keys``."""
    groups = {name: dict(figures) for name, figures in found.groups.items()}
    measures, bounds, errors = dict(found.measures), list(found.lower_bounds), dict(found.errors)
    for name, value in values.items():
        group, _, key = key_of(name).rpartition(".")
        if key in keys and group in ("", *groups):
            (groups[group] if group else measures)[key] = value
            bounds += [key_of(name)] if isinstance(value, AtLeast) else []
            errors |= {key_of(name): error_of(value)} if error_of(value) else {}
    update = {"measures": measures, "groups": groups, "lower_bounds": bounds, "errors": errors}
    return found.model_copy(update=update)


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


def read_result(path: Path, kind: type[_Result]) -> _Result:
    """Return the result that the file ``path`` holds.

    Raises:
        RestoreError: it cannot be read, or another version of the lab wrote it.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        raise RestoreError(f"{path} was written by an incompatible version") from exc
    except OSError as exc:
        raise RestoreError(f"{path} cannot be read: {exc.strerror}") from exc


def circumstances_of(summary: Summary, folder: Path) -> Circumstances:
    """Return what is recorded about how the campaign in ``folder`` ran.

    Raises:
        RestoreError: a file is damaged.
        OSError: a file cannot be read.
    """
    path = folder / "environment.json"
    try:
        environment = _map_of(path, _text_of(path) or "{}")
        path = folder / "scenario.yaml"
        return Circumstances.of(summary, environment, _text_of(path))
    except ValueError as exc:
        reason = "it is not JSON" if isinstance(exc, json.JSONDecodeError) else str(exc)
        raise RestoreError(f"{path} is damaged: {reason}") from exc


def _map_of(path: Path, text: str) -> dict[str, object]:
    """Return the map that is ``text``, the JSON of the file ``path``."""
    environment = json.loads(text)
    if isinstance(environment, dict):
        return environment
    raise RestoreError(f"{path} is damaged: it is no map")


def _text_of(path: Path) -> str:
    """Return the text of a file, empty if it does not exist."""
    return path.read_text(encoding="utf-8") if path.exists() else ""
