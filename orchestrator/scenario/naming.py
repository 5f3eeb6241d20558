"""Whether the measures that expectations name are asked of whom they can be asked of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from orchestrator.expressions import Expression
from orchestrator.expressions.syntax import Name
from orchestrator.measures import find_measure, full_name
from orchestrator.parts import MEASURES_OF_PARTS
from orchestrator.scenario.matrix import Where
from orchestrator.scenario.values import complaint
from orchestrator.wording import unknown

COMPARE, VALIDITY, GUESS = "compare", "validity", "guess"
WINDOWS = ("before", "during", "after")
"""Of a run that has faults; see `orchestrator.windows`."""

SLOWEST = "slowest"
"""The slowest requests of any run, by response time; see `orchestrator.decompose`."""

PREDICTED, REPLAYED = "predicted", "replayed"
"""A run as its queueing twin has it, by how that was fed; see `orchestrator.twin.compare`."""

VIEWS = (*WINDOWS, SLOWEST, PREDICTED, REPLAYED)
"""What stands before a measure, as a group does, and is none."""

MEASURED = (
    "throughput", "acked", "failed", "response_time_mean", "response_time_p50",
    "response_time_p99", "response_time_max",
)  # fmt: skip
"""What an expectation may ask of a window, ``during.throughput``."""

_SHARES = ("mean", "p50", "p90", "p99", "max")
SIMULATED = (
    "makespan", "throughput", "acked", *(f"response_time_{share}" for share in _SHARES),
    "response_time_p999", *(f"exchange_time_{share}" for share in _SHARES), "waiting_time_mean",
    "first_service_wait_p50", "first_service_wait_max", "peak_in_service", *MEASURES_OF_PARTS,
)  # fmt: skip
"""What it may ask of the twin, ``predicted.response_time_p99``."""

Placed = tuple[Where, Expression]


def views(*, has_faults: bool) -> dict[str, Sequence[str]]:
    """Return what there is to ask besides groups, and the measures that each has."""
    windows = WINDOWS if has_faults else ()
    return {
        **dict.fromkeys(windows, MEASURED),
        SLOWEST: tuple(MEASURES_OF_PARTS),
        PREDICTED: SIMULATED,
        REPLAYED: SIMULATED,
    }


@dataclass(frozen=True)
class Naming:
    """What may be named: the client groups and the models of a scenario.

    ``views`` are what else a measure may be asked of, and which measures.
    """

    groups: Sequence[str]
    models: Sequence[str]
    views: Mapping[str, Sequence[str]]

    def problems(self, placed: Sequence[Placed]) -> Iterator[tuple[Where, PydanticCustomError]]:
        """Yield what is wrong with expressions, each with where it was written."""
        for where, expression in placed:
            if where[0] == VALIDITY and expression.confidence is not None:
                message = "a rule is of each run by itself, and confidence of repeats"
                yield where, complaint(message)
            if where[0] == GUESS and expression.confidence is not None:
                yield where, complaint("a guess is right or wrong; leave the confidence out")
            for name in expression.names:
                message = self._problem(name, where)
                if message:
                    yield where, complaint(message, column=name.span.column)

    def _problem(self, name: Name, where: Where) -> str:
        if name.group in self.views:
            allowed = self.views[name.group]
            if full_name(name.own_name) not in allowed:
                return unknown(f"measure of {name.group}", name.own_name, allowed)
        elif name.group and name.group not in self.groups:
            return unknown("group", name.group, [*self.groups, *self.views])
        if where[0] == COMPARE:
            return self._of_which_model(name)
        return "this asks one model among others; write it under compare" if name.model else ""

    def _of_which_model(self, name: Name) -> str:
        if name.model:
            known = name.model in self.models
            return "" if known else unknown("model", name.model, self.models)
        measure = find_measure(name.name)
        if measure is None or measure.kind == "input":
            return ""
        return f"of which model? write e.g. {name.name}({self.models[0]})"
