"""The picture of controls: lanes and queues of each model on one time axis, figures, percentiles.

Drawn by the report's own code, so that a real run looks the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.analysis.chart_data import (
    Distribution,
    Exhibit,
    WorkerShare,
    distribution,
    exhibit,
)
from orchestrator.analysis.excerpt import ACKED_TEXT
from orchestrator.analysis.statistics import between_ns
from orchestrator.explore.play.model_text import model_text
from orchestrator.explore.play.outcome import ROWS, Outcome
from orchestrator.explore.play.predicted_run import START_NS
from orchestrator.explore.rendering import render
from orchestrator.measures.dimensions import TIME
from orchestrator.measures.sentences import counted, value_text
from orchestrator.report.charts.bars import fairness
from orchestrator.report.charts.lanes import Timeline, timeline
from orchestrator.report.charts.latency import ecdf
from orchestrator.report.charts.plot import Chart, Subject, TextTable
from orchestrator.report.charts.stages import ACCEPT, LAG, QUEUE, SERVICE, LaneStage
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.results.summary import CaseSummary, Fitness, Instrument

MOST_DRAWN = 1000
"""Messages of one model; all of them are simulated."""

EXCHANGE = "curve exchange"
"""The style of the time from sent to acked."""

LEGEND = (
    LaneStage(LAG.style, "due, but not connected or not sent yet", LAG.height),
    ACCEPT,
    QUEUE,
    LaneStage(f"{SERVICE.style} k1", SERVICE.meaning, SERVICE.height),
    LaneStage("k1", "a worker keeps a connection", 0.27),
)
"""How the lanes are read. Without overhead, no answer is on its way."""

_FIT = Instrument(fitness=Fitness.OK, reasons=[])


@dataclass(frozen=True)
class Scene:
    """One model, and what it does with a connection.

    ``drawn`` is None if it has no twin, and ``caption`` is then the reason.
    """

    name: str
    about: str
    caption: str
    drawn: Timeline | None = None


def picture(
    outcomes: Mapping[str, Outcome],
    refused: Mapping[str, str],
    nouns: str,
    most_drawn: int = MOST_DRAWN,
) -> str:
    """Return the markup of the picture.

    ``refused`` are the models without a twin, and why; ``nouns`` are the users or arrivals.
    """
    subjects = [_subject(model, each, most_drawn) for model, each in outcomes.items()]
    axis = axis_over(subject.exhibit.excerpt.end_ns for subject in subjects)
    depths = [subject.exhibit.depths for subject in subjects]
    peaks = [max(steps.peak for _, steps in queue) for queue in zip(*depths, strict=True)]
    drawn = {
        each.name: timeline(each, Units(axis.span_ns), peaks, outcomes[each.name].kept)
        for each in subjects
    }
    return render(
        "play_picture.html.j2",
        axis=axis,
        legend=LEGEND,
        scenes=[
            *(_scene(model, _caption(each), drawn[model]) for model, each in outcomes.items()),
            *(_scene(model, reason) for model, reason in refused.items()),
        ],
        balance=_balance(subjects),
        table=_table(list(outcomes.values())),
        count=_count_text(nouns, list(outcomes.values())),
        shares=_shares(subjects),
    )


def _scene(model: str, caption: str, drawn: Timeline | None = None) -> Scene:
    return Scene(model, model_text(model), caption, drawn)


def _balance(subjects: Sequence[Subject]) -> Chart | None:
    """Return the connections of each worker if messages take no time, so that lanes show none."""
    is_instant = all(max(each.exhibit.response.values_ns, default=0) == 0 for each in subjects)
    return fairness(subjects) if subjects and is_instant else None


def _subject(model: str, outcome: Outcome, most_drawn: int) -> Subject:
    """Return the messages of all clients to draw, and the distributions of those of the users."""
    case = outcome.run.case
    names = [group.name for group in case.groups]
    shown = exhibit(outcome.run.merged, START_NS, names, most_drawn)
    summary = CaseSummary(
        name=model, model=model, slug=model, axes={}, measures={}, instrument=_FIT,
        expectations=[], invalid=[], overhead_s=0.0,
    )  # fmt: skip
    return Subject(model, summary, _of_users(shown, outcome))


def _shares(subjects: Sequence[Subject]) -> Chart:
    """Return the shares answered within a time; nothing is sent late, so one curve is left out."""
    chart = ecdf(subjects)
    return replace(chart, legend=[each for each in chart.legend if each.style != EXCHANGE])


def _of_users(shown: Exhibit, outcome: Outcome) -> Exhibit:
    messages = outcome.messages
    shares = {each.worker: each for each in shown.shares}
    idle = {worker: WorkerShare(worker, 0, 0) for worker in outcome.kept}
    return replace(
        shown,
        shares=tuple(each for _, each in sorted((idle | shares).items())),
        response=distribution(between_ns(messages, "due_ns", "ended_ns")),
        exchange=Distribution(),
        service=distribution(between_ns(messages, "started_ns", "finished_ns")),
    )


def _caption(outcome: Outcome) -> str:
    names = ("last ack", "longest wait")
    cells = {row.title: cell for row, cell in zip(ROWS, outcome.cells, strict=True)}
    texts = [f"{name}: {cells[name]}" for name in names]
    if outcome.idle:
        texts.append(f"without a connection: {outcome.idle} of {len(outcome.kept)} workers")
    return "; ".join(texts)


def _table(outcomes: Sequence[Outcome]) -> TextTable:
    columns = [each.cells for each in outcomes]
    return TextTable(
        ("", *(each.run.case.name for each in outcomes)),
        [
            (row.title, *(column[place] for column in columns))
            for place, row in enumerate(ROWS)
            if columns
        ],
    )


def _count_text(nouns: str, outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    acked = {each.run.case.model: len(each.messages) for each in outcomes}
    texts = [
        f"{counted(number, 'messages')} {ACKED_TEXT} under {model}"
        for model, number in acked.items()
    ]
    if len({*acked.values()}) == 1:
        texts = [counted(len(outcomes[0].messages), f"messages {ACKED_TEXT}")]
    text = ", ".join([counted(outcomes[0].count, nouns), *texts])
    *before, own = outcomes[0].run.case.groups
    if before:
        begin = value_text(own.start_s, TIME)
        text += f"; times count from {begin}, when they begin, and who comes before is left out"
    return text
