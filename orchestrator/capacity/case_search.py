"""The search of one case, with the load that was asked about.

That load is classified first, unless the first load of the bracket may decide it as well: if a
greater load holds, it holds; if a smaller one does not, it does not. Then two loads mostly end a
wide search: the load asked about and one on the other side of the capacity, or two around it.
"""

from dataclasses import replace

from orchestrator.capacity.bracket import first_bracket
from orchestrator.capacity.search import Search, SearchSettings, Step
from orchestrator.results.capacity import Verdict


class CaseSearch:
    """A `Search` that also decides ``at``, the load asked about; None if there is none.

    ``predicted`` is the twin's capacity and ``guess`` a load of the right size; either may be None.
    A wide search with ``at`` confirms no bound: it asks about one load, which no verdict chose.
    """

    def __init__(
        self,
        settings: SearchSettings,
        predicted: float | None,
        guess: float | None,
        at: float | None,
    ) -> None:
        if at is not None and settings.is_wide:
            settings = replace(settings, has_confirmation=False)
        self._at = at
        self._is_unpredicted = predicted is None and settings.is_wide
        self._search = Search(settings, first_bracket(predicted, guess, settings.is_wide, at))

    @property
    def lower(self) -> float | None:
        """The greatest load that held below all that did not; None if there is none."""
        return self._search.lower

    @property
    def upper(self) -> float | None:
        """The least load that did not hold; None if there is none."""
        return self._search.upper

    @property
    def ended(self) -> str:
        """Why no more load is tried, a sentence; empty while the search goes on."""
        return self._search.ended

    @property
    def is_confirmed(self) -> bool:
        """Whether the lower bound held a second time, or needs not to."""
        return self._search.is_confirmed

    @property
    def is_complete(self) -> bool:
        """Whether the bounds are as close as was asked and the load asked about is decided."""
        is_decided = self._at is None or self.at_verdict in {Verdict.HOLDS, Verdict.FAILS}
        return self._search.is_complete and is_decided

    @property
    def at_verdict(self) -> Verdict | None:
        """The verdict of the load asked about, by the bounds; None if there is no such load."""
        if self._at is None:
            return None
        if self.lower is not None and self.lower >= self._at:
            return Verdict.HOLDS
        if self.upper is not None and self.upper <= self._at:
            return Verdict.FAILS
        return Verdict.UNDECIDED

    def next(self) -> Step | None:
        """Return the load to classify now; None once the search has ended."""
        first = self._first_load()
        return self._search.next() if first is None else self._search.propose(first)

    def propose(self, load: float) -> Step:
        """Try ``load`` next, whatever the search would have chosen."""
        return self._search.propose(load)

    def record(self, verdict: Verdict) -> None:
        """Take the verdict of the load that `next` returned."""
        self._search.record(verdict)

    def _first_load(self) -> float | None:
        """Return the load to try until the one asked about is decided, or was undecided itself.

        If nothing is known beforehand, a greater load is first: it takes less time, and if it holds
        so does the one asked about.
        """
        search, at = self._search, self._at
        if at is None or search.verdict(at) or self.at_verdict is not Verdict.UNDECIDED:
            return None
        low, high = search.bracket
        if low >= at and search.verdict(low) is None:
            return low
        if (high <= at or self._is_unpredicted) and search.verdict(high) is None:
            return high
        return at
