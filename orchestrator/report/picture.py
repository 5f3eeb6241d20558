"""One picture of a campaign as an SVG of its own, for a page such as the README.

It brings its colours, light and dark, and loads nothing.
"""

from orchestrator.findings import Findings
from orchestrator.report.campaigns import shown_campaigns
from orchestrator.report.charts.axis import axis_over
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.lanes_picture import lanes_picture
from orchestrator.report.plots_picture import plots_picture

LANES = "lanes"


class NoSuchPictureError(ValueError):
    """The campaign has no picture of that name; the message lists those it has."""


def picture(found: Findings, name: str) -> str:
    """Return the picture ``name`` of ``found``: its `LANES`, or one of the charts of its report.

    Raises:
        NoSuchPictureError: There is none of that name.
    """
    if name == LANES:
        return lanes_picture(found)
    subjects = list(shown_campaigns([found])[0].subjects())
    axis = axis_over(each.exhibit.excerpt.end_ns for each in subjects)
    charts = charts_of(subjects, subjects, axis)
    by_name = {each.key: each for each in (*charts.before, *charts.after)}
    if name not in by_name:
        known = ", ".join((LANES, *by_name))
        raise NoSuchPictureError(f"there is no picture {name!r} of these results, but: {known}")
    return plots_picture(by_name[name], found.summary.intent)
