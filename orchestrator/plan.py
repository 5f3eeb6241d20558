"""The cases of a scenario, in the order in which they run. A pure function; nothing is started."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.scenario import AxisValue, ClosedGroup, Scenario, ServerSettings
from orchestrator.scenario.matrix import apply, points
from orchestrator.scenario.sections import SERVER_DEFAULTS

MAX_SLUG_CHARS = 100
_PLAIN_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._,=-]{{0,{MAX_SLUG_CHARS - 1}}}")


@dataclass(frozen=True)
class Case:
    """One model at one load point.

    ``axes`` are the matrix values of this point in the order of the file; ``server`` and ``group``
    have them applied.
    """

    model: str
    axes: Mapping[str, AxisValue]
    server: ServerSettings
    group: ClosedGroup

    @property
    def name(self) -> str:
        """What people call it: ``prefork``, ``prefork,workers=2,users=7``."""
        return ",".join((self.model, *(f"{axis}={_text(v)}" for axis, v in self.axes.items())))

    @property
    def slug(self) -> str:
        """The name as a folder's name, unlike that of any other case of its plan.

        A name that is too long or holds what a folder's name may not ends in a digest instead.
        """
        slug = re.sub(r"[^A-Za-z0-9._-]", "-", self.name.replace(",", "_"))
        if _PLAIN_NAME.fullmatch(self.name):
            return slug
        digest = hashlib.sha256(self.name.encode(errors="surrogatepass")).hexdigest()[:8]
        return f"{slug[: MAX_SLUG_CHARS - len(digest) - 1]}-{digest}".lstrip("._-")

    def inputs(self) -> dict[str, float]:
        """Return the measures that are configured, by name, in base units.

        Where the scenario is silent these are the server's documented defaults; what a server
        declares of itself when it listens is truer.
        """
        demand_s = self.group.demand_s
        return {
            "users": self.group.users,
            "replicas": self.group.replicas,
            "messages": self.group.messages,
            "workers": self.server.workers or SERVER_DEFAULTS.workers,
            "backlog": self.server.backlog or SERVER_DEFAULTS.backlog,
            "service_time": self.server.service_time_s if demand_s is None else demand_s,
            "think_time": self.group.think_time_s,
        }


def plan(scenario: Scenario) -> list[Case]:
    """Return every case: each matrix point in the order of the file, at it each model in turn."""
    (group,) = scenario.clients
    return [
        Case(model, point, *apply(point, scenario.server, group))
        for point in points(scenario.matrix)
        for model in scenario.models
    ]


def _text(value: AxisValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
