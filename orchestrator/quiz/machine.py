"""Answers a problem by the machine: runs its scenario on a backend, and measures the answer.

A run that other programs disturb is repeated, as one of a campaign is; the answer that it would
give decides nothing about that. A run that is invalid for another reason is not repeated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.campaign.evaluate_run import MeasuredRun, measure_run
from orchestrator.campaign.verdict import FORGIVABLE
from orchestrator.execution.backend import Backend, Needs
from orchestrator.execution.descriptors import provide_descriptors
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.measures.sentences import counted
from orchestrator.quiz.answers import Value
from orchestrator.quiz.observed import LostMessagesError, Observed, observe_run
from orchestrator.quiz.problem import Problem
from orchestrator.results.archive import Archive
from orchestrator.scenario.plan import Case, Run
from orchestrator.scenario.scenario import Scenario

MOST_TRIES = 3
"""How often a case is run until a run of it is not disturbed."""


@dataclass(frozen=True)
class MachineAnswer:
    """What the machine answers: ``value``, None if there is none, for the ``reason``.

    ``agrees`` is whether the twin's answer is the same within the tolerance of the problem; None if
    no run was valid, so that it is not decided.
    """

    value: Value | None
    agrees: bool | None
    reason: str = ""


class InvalidRunsError(ValueError):
    """No run of a case counts; the message says why the last one does not."""


class Machine:
    """Runs problems on ``backend``, which its owner closes; raw files are kept in ``archive``.

    ``on_step`` gets a line on what is done, such as the preparation of a model. With
    ``accept_invalid``, a run counts though other programs disturbed it.
    """

    def __init__(
        self,
        backend: Backend,
        archive: Archive,
        on_step: Callable[[str], None],
        *,
        accept_invalid: bool = False,
    ) -> None:
        self._backend = backend
        self._archive = archive
        self._on_step = on_step
        self._accept_invalid = accept_invalid
        self._prepared = set[str]()

    def answer(self, problem: Problem) -> MachineAnswer:
        """Run the cases of ``problem``, one after another, and return what they answer.

        Raises:
            BackendError: a program could not be run.
            ArchiveError: the results cannot be written.
        """
        self._prepare(problem.cases)
        try:
            seen = [self._observe(problem, case) for case in problem.cases]
        except InvalidRunsError as exc:
            return MachineAnswer(None, None, str(exc))
        except LostMessagesError as exc:
            return MachineAnswer(None, agrees=False, reason=str(exc))
        value = problem.measure(seen)
        return MachineAnswer(value, problem.answer.accepts(value))

    def _prepare(self, cases: Sequence[Case]) -> None:
        """Prepare the models of ``cases`` that no problem had before."""
        new = list(dict.fromkeys(c.model for c in cases if c.model not in self._prepared))
        if new:
            self._on_step(f"preparing {', '.join(new)}")
            self._backend.prepare(Needs(new, limits=[case.settings.limits for case in cases]))
            self._prepared.update(new)
        provide_descriptors(cases, self._backend.name)

    def _observe(self, problem: Problem, case: Case) -> Observed:
        """Return what took place in the first run of ``case`` that counts."""
        for attempt in range(1, MOST_TRIES + 1):
            slug = f"{problem.number}-{problem.kind}/{case.slug}"
            self._on_step(f"problem {problem.number}: running {case.name}")
            folder = self._archive.raw_folder(f"{slug}+{attempt - 1}" if attempt > 1 else slug)
            measured = run_case(problem.scenario, case, self._backend, folder)
            is_disturbed = all(each.kind in FORGIVABLE for each in measured.reasons)
            if not measured.reasons or (is_disturbed and self._accept_invalid):
                return observe_run(case, measured)
            if not is_disturbed:
                break
        runs = counted(attempt, f"runs of {case.name} do not count")
        raise InvalidRunsError(f"{runs}: {'; '.join(each.text for each in measured.reasons)}")


def run_case(scenario: Scenario, case: Case, backend: Backend, folder: Path) -> MeasuredRun:
    """Run ``case`` once, leave its raw files in ``folder``, and return its measures."""
    silent = ProgressCallbacks(lambda _: None, lambda _pulse, _depth: None, lambda _: None)
    execute(scenario, case, backend, folder, silent)
    return measure_run(scenario, Run(case, 1, 1), folder)
