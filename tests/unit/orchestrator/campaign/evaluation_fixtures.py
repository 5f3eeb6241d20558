"""An evaluated run whose values a test chooses."""

from collections.abc import Mapping, Sequence

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.measures.registry import MEASURES, keyed
from orchestrator.results.summary import Fitness, Instrument, ReasonKind, RunSummary
from orchestrator.scenario.plan import Run


def run_evaluation(
    run: Run, values: Mapping[str, float | None], invalid: Sequence[str] = (), **changes: object
) -> RunEvaluation:
    """Return an evaluation of ``run`` with these ``values``, those of groups as ``group.measure``.

    ``changes`` are of its summary.
    """
    found = RunSummary(
        slug=run.slug,
        measures=keyed({name: each for name, each in values.items() if name in MEASURES}),
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        invalid=list(invalid),
        invalid_kinds=[ReasonKind.LOST_RECORDS] * len(invalid),
        overhead_s=0.1,
    )
    return RunEvaluation(run, found.model_copy(update=changes), Exhibit(), dict(values))
