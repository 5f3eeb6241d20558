"""The part of a page in `docs/` that is generated: what stands between two markers."""

import re

from orchestrator.results.exit_codes import MisuseError


class MarkerError(MisuseError):
    """A page has not both markers; the message names them."""


def put_between(begin: str, end: str, text: str, page: str) -> str:
    """Return ``page`` with ``text`` between the markers ``begin`` and ``end``, in lines of its own.

    Raises:
        MarkerError: the page has not both of them, one after the other.
    """
    between = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    replaced, count = between.subn(lambda _: f"{begin}\n{text}\n{end}", page)
    if not count:
        raise MarkerError(f"the page lacks the lines {begin} and {end}; add both, in this order")
    return replaced
