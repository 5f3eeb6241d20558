"""Scenarios to search, and trials of servers whose capacity is known, without any run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import yaml

from orchestrator.capacity.case_run import CasePlan, SearchTerms
from orchestrator.capacity.objectives import Objective
from orchestrator.capacity.planning import AskedCase, asked_cases
from orchestrator.capacity.searched_group import TrialLoad, find_searched
from orchestrator.capacity.trial import Lateness, Trial
from orchestrator.capacity.trial_validity import CpuUse, Doubt
from orchestrator.capacity.trials import TrialOutcome
from orchestrator.results.capacity import ObjectiveFigures, TrialResult
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario

OPEN = "{executor: open, rate: 100/s, duration: 5s, connections: each, demand: sleep=20ms}"
CLOSED = "{executor: closed, users: 7, messages: 5, demand: sleep=20ms, think_time: 60ms}"
SLO = "p99 < 100ms"
QUIET = CpuUse(server_s=1.0, clients_s=0.5, busy_s=2.0, wall_s=10.0, cpus=2.0)


def scenario_of(clients: str = OPEN, more: str = "") -> Scenario:
    """Return a scenario of the model ``prefork`` with four workers and these ``clients``."""
    text = (
        "intent: How much?\nmodels: [prefork]\nserver: {workers: 4}\n"
        f"clients: [{clients}]\n{more}"
    )
    context = {MAX_LOAD: RUN_LOAD, "known_models": None}
    return Scenario.model_validate(yaml.safe_load(text), context=context)


def asked(
    clients: str = OPEN, slo: str = SLO, more: str = "", at: float | None = None, width: float = 0.1
) -> tuple[AskedCase, SearchTerms]:
    """Return the first case of a scenario, and the terms of a search."""
    scenario = scenario_of(clients, more)
    terms = SearchTerms(find_searched(scenario), at, width, 0.95, scenario.seed)
    return asked_cases(scenario, [slo])[0], terms


def plan(predicted: float | None = 180.0, clients: str = OPEN, slo: str = SLO) -> CasePlan:
    """Return a case whose twin is not simulated."""
    case, _ = asked(clients, slo)
    return CasePlan(case.case, "processes", 4, case.objectives, predicted)


@dataclass
class QueueTrials:
    """Trials of a server that bears ``capacity``; one message in 100 is late at just that load.

    Loads above ``clients_bear`` are not measured, for the reason of ``doubt``.
    """

    capacity: float
    clients_bear: float = np.inf
    doubt: Doubt | None = None
    use: CpuUse = QUIET
    values: Mapping[str, float | None] = field(default_factory=dict)
    loads: list[TrialLoad] = field(default_factory=list)

    def run(self, case: Case, objectives: Sequence[Objective], load: TrialLoad) -> TrialOutcome:
        """Return a trial with late messages as often as a queue at that load has them."""
        self.loads.append(load)
        messages = round(load.load * (load.duration_s - load.warmup_s))
        share = min(0.01 * (load.load / self.capacity) ** 20, 1.0)
        late = np.random.default_rng(load.seed).random(messages) < share
        (objective,) = objectives
        trial = Trial(load.load, load.seed, {objective.text: Lateness(late)}, utilization=0.6)
        found = self.doubt if load.load > self.clients_bear else None
        result = TrialResult(
            slug=f"{case.slug}-{load.load:g}-trial-{len(self.loads)}",
            seed=load.seed,
            messages=messages,
            objectives=[
                ObjectiveFigures(
                    objective=objective.text, value=load.load / 1000, late_share=late.mean()
                )
            ],
            invalid=[found[1]] if found else [],
        )
        values = {"utilization": 0.6, "cpu_time_per_message": 0.002, **self.values}
        doubts = [found] if found else []
        return TrialOutcome(result, None if found else trial, doubts, values, self.use)
