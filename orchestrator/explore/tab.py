"""What a tab of the page is, and what it may know.

A tab called ``past_runs`` has its part of the page in ``templates/past_runs.html.j2`` and its
script, a module, in ``static/past_runs.js``. Its routes are below the path ``past_runs/``. To add a
tab: these two files, a `Tab`, and a line in `orchestrator.explore.app.TABS`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import BaseRoute

from orchestrator.execution.cpus import Cpus
from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.page_values import usual_controls
from orchestrator.explore.watch.server import WatchedServer
from orchestrator.scenario.models import ROOT

DEFAULT = ROOT / "scenarios" / "quickstart.yaml"
"""What Run begins with if the command line names no scenario."""

TabRoutes = Callable[["Surroundings"], Sequence[BaseRoute]]
TemplateValues = Callable[["Surroundings"], Mapping[str, object]]


@dataclass(frozen=True)
class Surroundings:
    """What the command line says: ``results`` is the folder of the results of runs.

    ``controls`` are those that Play begins with, ``cpus`` how many CPUs its twin has: by default
    those of this machine that may be used. Run begins with the scenario ``yaml``, called ``name``.
    ``watched`` is the server of the tab Watch, without which there is no such tab. ``at_end`` is
    closed when the page is served no longer.
    """

    results: Path
    controls: Controls = field(default_factory=usual_controls)
    cpus: float = field(default_factory=lambda: Cpus.of_this_process().usable)
    name: str = DEFAULT.stem
    yaml: str = field(default_factory=lambda: DEFAULT.read_text(encoding="utf-8"))
    watched: WatchedServer | None = None
    at_end: ExitStack = field(default_factory=ExitStack)


def _no_values(_: Surroundings) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True)
class Tab:
    """A tab: its name in addresses and files, its title, its routes, the values of its template."""

    name: str
    title: str
    routes: TabRoutes
    values: TemplateValues = _no_values
