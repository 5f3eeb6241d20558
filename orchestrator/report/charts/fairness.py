"""Who took what: the connections of each worker."""

from collections.abc import Sequence

from orchestrator.records import Share
from orchestrator.report.cells import UNKNOWN, measure_text
from orchestrator.report.charts.bars import Bar, Piece, bar_plot
from orchestrator.report.charts.plot import Chart, Key, Plot, Table
from orchestrator.report.charts.subject import Subject

MAX_BARS = 16


def fairness(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each subject, a bar a worker; None where no worker took anything."""
    known = [each for each in subjects if each.exhibit.shares]
    if not known:
        return None
    most = max(share.connections for each in known for share in each.exhibit.shares)
    return Chart(
        key="fairness",
        title="Connections per worker",
        reading="Even bars are a fair share. A worker that keeps its connection to the end takes "
        "few; a loop takes them all.",
        plots=[_plot(each, most) for each in known],
        legend=[Key("share", "connections that the worker took")],
        table=Table(
            ("case", "worker", "connections", "messages"),
            [
                (each.name, str(share.worker), str(share.connections), str(share.messages))
                for each in known
                for share in each.exhibit.shares
            ],
        ),
    )


def _plot(subject: Subject, most: int) -> Plot:
    shares = subject.exhibit.shares
    bars = [_bar(share) for share in shares[:MAX_BARS]]
    index = measure_text(subject.case, "fairness_connections")
    told = "" if index == UNKNOWN else f"Jain's index of fairness: {index}; 1 is even"
    if len(shares) > MAX_BARS:
        told = f"the first {MAX_BARS} of {len(shares)} workers; {told}"
    return bar_plot(subject.name, told, bars, most)


def _bar(share: Share) -> Bar:
    pieces = [Piece("share", share.connections)]
    return Bar(f"worker {share.worker}", pieces, str(share.connections))
