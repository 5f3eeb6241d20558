"""Hand-made results of capacity searches, without any search."""

from collections.abc import Sequence

from orchestrator.results.capacity import (
    Capacity,
    CaseCapacity,
    Limit,
    LoadKind,
    LoadResult,
    ObjectiveFigures,
    TrialResult,
    Verdict,
)
from orchestrator.results.summary import Cheapest, Status

P99 = "p99 < 50ms"
LIMIT_S = 0.05


def figures(value: float | None, objective: str = P99) -> ObjectiveFigures:
    """Return an objective whose left side is ``value``."""
    late = None if value is None else min(0.01 * value / LIMIT_S, 1.0)
    return ObjectiveFigures(
        objective=objective,
        value=value,
        late_share=late,
        allowed_share=0.01,
        late_share_low=late,
        late_share_high=late,
    )


def trial(value: float | None, seed: int = 1, invalid: Sequence[str] = ()) -> TrialResult:
    """Return one trial."""
    return TrialResult(
        slug=f"trial-{seed}",
        seed=seed,
        messages=2000,
        objectives=[figures(value)],
        utilization=0.8,
        invalid=list(invalid),
    )


def load(at: float, value: float, verdict: Verdict | None = None) -> LoadResult:
    """Return a load with three trials around ``value``, which decides the verdict."""
    holds = Verdict.HOLDS if value < LIMIT_S else Verdict.FAILS
    return LoadResult(
        load=at,
        verdict=verdict or holds,
        reason=f"{value / LIMIT_S:.2%} of messages are late",
        objectives=[figures(value)],
        trials=[trial(value * share, seed) for seed, share in enumerate((0.9, 1.0, 1.1), 1)],
    )


def case(
    name: str = "prefork,workers=4",
    bounds: tuple[float | None, float | None] = (212.0, 223.0),
    **changes: object,
) -> CaseCapacity:
    """Return a case with ``bounds``, whose search tried two loads at and around each of them."""
    model, _, axis = name.partition(",workers=")
    lower, upper = bounds
    loads = [load(at * share, 0.03 * share) for at in [lower] if at for share in (0.8, 1.0)]
    loads += [load(at * share, 0.09 * share) for at in [upper] if at for share in (1.0, 1.2)]
    whole = CaseCapacity(
        name=name,
        model=model,
        axes={"workers": int(axis)} if axis else {},
        workers=int(axis) if axis else None,
        lower=lower,
        upper=upper,
        ended="the bounds are within 5%",
        is_complete=True,
        predicted=220.0,
        limited_by=Limit.WORKERS,
        evidence="98% of the workers' time is service",
        cpu_s_per_1000_messages=2.13,
        loads=loads,
    )
    return whole.model_copy(update=changes)


def asked(name: str, at: float, bounds: tuple[float | None, float | None]) -> CaseCapacity:
    """Return a case with a verdict at the load ``at``."""
    lower, upper = bounds
    verdict = Verdict.UNDECIDED
    verdict = Verdict.HOLDS if lower is not None and lower >= at else verdict
    verdict = Verdict.FAILS if upper is not None and upper <= at else verdict
    return case(
        name,
        bounds,
        at=verdict,
        headroom_low=None if lower is None else lower / at - 1,
        headroom_high=None if upper is None else upper / at - 1,
    )


def without_figure(name: str = "epoll", limit: Limit = Limit.CLIENTS) -> CaseCapacity:
    """Return a case that the clients, or the host, limited at each load."""
    loads = [load(180.0, 0.03, Verdict.UNDECIDED)]
    return at_least(name, limit).model_copy(update={"lower": None, "loads": loads})


def at_least(name: str = "epoll", limit: Limit = Limit.CLIENTS) -> CaseCapacity:
    """Return a case that the clients, or the host, limited above the load that held."""
    return case(
        name,
        (180.0, None),
        limited_by=limit,
        evidence="a client was 12 ms late",
        is_complete=False,
        ended="3 trials were invalid",
    )


def capacity(*cases: CaseCapacity, **changes: object) -> Capacity:
    """Return a complete search over ``cases``."""
    whole = Capacity(
        scenario="mine",
        intent="How much can it take?",
        kind=LoadKind.RATE,
        group="steady",
        objectives=[P99],
        at=None,
        width=0.05,
        confidence=0.95,
        backend="process",
        backend_reason="as requested",
        started_at="2026-01-02T03:04:05Z",
        duration_s=83.0,
        status=Status.COMPLETE,
        reason="",
        planned_cases=len(cases),
        cases=list(cases),
        answer=["It bears some."],
        host={"kernel": "6.1.0", "cpus": 2, "command": "orchestrate.py capacity mine.yaml"},
        exit_code=0,
    )
    return whole.model_copy(update=changes)


def cheapest(*names: str, workers: int = 1, **axes: str) -> Cheapest:
    """Return the cases ``names`` as the cheapest of ten at ``axes``, all of which hold."""
    return Cheapest(axes=dict(axes), cases=list(names), workers=workers, of=10, holding=10)
