"""What to know of how a case was measured: faults, a proxy, where the twin parts, the clients."""

from collections.abc import Iterator

from faultproxy.toxics import TOXICS
from orchestrator.dimensions import TIME, format_value
from orchestrator.report.visible import visible
from orchestrator.summary import CaseSummary, FaultSummary, Fitness


def remarks(case: CaseSummary) -> Iterator[str]:
    """Yield what to know of how ``case`` was measured; it decides nothing."""
    yield from _proxy(case)
    for told in faults(case):
        yield f"{visible(case.name)}: {told}"
    yield from _partings(case)
    yield from _strains(case)


def faults(case: CaseSummary) -> Iterator[str]:
    """Yield what was done to the server of ``case``, and when, in the order of the scenario."""
    for fault in case.runs[0].faults if case.runs else ():
        if fault.effect_s is not None:
            yield _fault(fault)


def cautions(case: CaseSummary) -> Iterator[str]:
    """Yield the same without what was done on purpose."""
    yield from _proxy(case)
    yield from _partings(case)
    yield from _strains(case)


def _partings(case: CaseSummary) -> Iterator[str]:
    """Yield in which part a run and its twin differ most, where they do."""
    for number, run in enumerate(case.runs, start=1):
        if run.twin is not None and run.twin.part is not None:
            which = f"repeat {number}: " if len(case.runs) > 1 else ""
            yield f"{visible(case.name)}: {which}{visible(run.twin.remark)}"


def _proxy(case: CaseSummary) -> Iterator[str]:
    if any(fault.fault in TOXICS for run in case.runs[:1] for fault in run.faults):
        yield f"{visible(case.name)}: clients came through the fault proxy: it is in every figure"


def _strains(case: CaseSummary) -> Iterator[str]:
    instrument = case.instrument
    if instrument.fitness is not Fitness.OK:
        told = {Fitness.STRAINED: "were strained", Fitness.BOTTLENECK: "were the bottleneck"}
        for reason in instrument.reasons:
            yield f"{visible(case.name)}: the clients {told[instrument.fitness]}: {visible(reason)}"


def _fault(fault: FaultSummary) -> str:
    """Return what a fault was and when, in words."""
    which = "" if fault.worker is None else f" {fault.worker}"
    told = f"{fault.fault}{which} at {format_value(fault.effect_s, TIME)}"
    until = fault.reverted_s
    return told if until is None else f"{told}, undone at {format_value(until, TIME)}"
