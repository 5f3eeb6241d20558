"""What a search found, in sentences."""

from collections.abc import Iterator, Sequence

from orchestrator.campaign.cheapest import cheapest_text
from orchestrator.capacity.searched_group import SearchedGroup
from orchestrator.results.capacity import NO_FIGURE, CaseCapacity, Verdict
from orchestrator.results.summary import Cheapest

Cases = Sequence[CaseCapacity]


def answer_of(
    group: SearchedGroup,
    at: float | None,
    cases: Cases,
    found: Sequence[Cheapest],
    *,
    is_constant: bool = False,
) -> list[str]:
    """Return the bounds of each case; with ``at``, first which cases hold there.

    ``is_constant``: the scenario asks for arrivals that are not random.
    """
    sentences = [] if at is None else list(_at(group.text(at), cases, found))
    if is_constant:
        sentences.append("arrivals came at constant intervals, as the scenario asks")
    return [*sentences, *(f"{each.name}: {bounds_text(each, group)}" for each in cases)]


def _at(load: str, cases: Cases, found: Sequence[Cheapest]) -> Iterator[str]:
    for verdict, words in (
        (Verdict.HOLDS, "the objectives hold"),
        (Verdict.FAILS, "the objectives do not hold"),
        (Verdict.UNDECIDED, "it is undecided whether the objectives hold"),
    ):
        names = [each.name for each in cases if each.at is verdict]
        if names:
            yield f"at {load} {words}: {', '.join(names)}"
    yield from (f"at {load}, {cheapest_text(each)}" for each in found)


def bounds_text(found: CaseCapacity, group: SearchedGroup) -> str:
    """Return the bounds of a case in words."""
    lower, upper = found.lower, found.upper
    if found.limited_by in NO_FIGURE:
        least = "no figure" if lower is None else f"at least {group.text(lower)}"
        return f"{least}; limited by {found.limited_by.value}: {found.evidence}"
    if lower is None and upper is None:
        return f"no bound; {found.ended}"
    if lower is None:
        return f"less than {group.text(upper or 0.0)}"
    if upper is None:
        return f"at least {group.text(lower)}"
    return f"{group.text(lower)} to {group.text(upper)}, limited by {found.limited_by.value}"
