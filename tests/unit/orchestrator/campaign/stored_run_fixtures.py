"""Stored campaigns for tests: raw files as a run leaves them, without running anything."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from labkit.wire.samples import FAILURES
from orchestrator.campaign import campaign
from orchestrator.campaign.campaign import Campaign
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.execution.backend import Needs, Stage, StageOrder
from orchestrator.report.publish import publish
from orchestrator.results.archive import CASE, CLIENTS, SERVER_LOG, Archive
from orchestrator.results.client_samples import StoredTable
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.server import ServerSettings
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    ONE_AFTER_THE_OTHER,
    START_NS,
    STOPPED,
    accepted,
    listening,
    served,
)

SCENARIO = """\
intent: Two users with one message each; who waits?
models: [single, epoll]
clients: [{executor: closed, users: 2, messages: 1, demand: sleep=100ms}]
server: {workers: 1}
expect:
  all: [acked == 2]
compare: [makespan(epoll) ~= makespan(single) within 1%]
"""
MAKESPAN_S = 0.201
SERVED = (
    accepted("0.0", 1, 0.5, 40_000),
    accepted("0.1", 1, 0.6, 40_001),
    served(0, 1, 1, 101),
    served(1, 1, 101, 201),
)


class FakeBackend:
    """A backend that starts nothing, and records what it was asked to do."""

    name = "process"
    kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.needs: Needs | None = None
        self.closed = 0

    def prepare(self, needs: Needs) -> None:
        """Record ``needs``."""
        self.needs = needs

    def describe(self) -> Mapping[str, object]:
        """Return no versions."""
        return {}

    def stage(self, order: StageOrder) -> AbstractContextManager[Stage]:
        """Refuse: no test opens a stage."""
        raise NotImplementedError(order)

    def close(self) -> None:
        """Count the call."""
        self.closed += 1


def store_run(folder: Path, **of_case: Any) -> None:  # noqa: ANN401 any field of case.json
    """Write the raw files of two users that one worker served one after the other."""
    (replica,) = ONE_AFTER_THE_OTHER.clients.replicas
    assert not isinstance(replica.messages, StoredTable)
    np.save(folder / "samples-000.npy", replica.messages)
    np.save(folder / "connections-000.npy", replica.connections)
    report = {
        "replica": 0,
        "group": "clients",
        "samples": "samples-000.npy",
        "connections": "connections-000.npy",
        "first_connect_ns": replica.begun_ns,
        "end_ns": replica.end_ns,
        "planned": 2,
        "books": replica.counts,
        "errors": dict.fromkeys(FAILURES, 0),
        "health": asdict(replica.health),
    }
    host = {"wall_s": 1.0, "cpus": 2.0}
    clients = {"start_ns": START_NS, "replicas": [report], "lost": [], "host": host}
    (folder / CLIENTS).write_text(json.dumps(clients))
    events = [listening(), *SERVED, STOPPED]
    counts = Counter(each["event"] for each in events)
    events[-1] = {**STOPPED, "counts": counts}
    (folder / SERVER_LOG).write_text("".join(f"{json.dumps(each)}\n" for each in events))
    server = ServerSettings(workers=1).complete().model_dump(exclude_none=True)
    end = {"server": server, "twin": "process", "server_exit_code": 0, "overhead_s": 0.25}
    (folder / CASE).write_text(json.dumps({**end, **of_case}))


def campaign_of(
    folder: Path, backend: FakeBackend, text: str = SCENARIO, *, accept_invalid: bool = False
) -> tuple[Campaign, Archive, Console]:
    """Return a campaign of the scenario ``text`` with its results in ``folder``."""
    path = folder / "two.yaml"
    path.write_text(text)
    scenario = load_scenario(path, known_models=None)
    archive = Archive(folder / "two-20260102T030405Z-0badcafe")
    archive.path.mkdir()
    archive.raw_folder("")
    setup = Setup("two", scenario, backend, "no engine answers", archive, "run two.yaml")
    console = Console(file=(folder / "progress.txt").open("w"), width=200)
    return Campaign(setup, Progress(console), accept_invalid=accept_invalid), archive, console


def store_campaign(
    folder: Path, text: str = SCENARIO, *, accept_invalid: bool = False
) -> tuple[Archive, Findings]:
    """Store the complete results of a campaign, and return its findings as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaign, "execute", lambda *order: store_run(order[3]))
        run, archive, console = campaign_of(
            folder, FakeBackend(), text, accept_invalid=accept_invalid
        )
        findings = run.run()
        console.file.close()
    publish(findings, archive)
    return archive, findings
