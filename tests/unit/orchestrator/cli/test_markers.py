"""The generated part of a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.markers import MarkerError, put_between

BEGIN, END = "<!-- (a) -->", "<!-- (b) -->"


@given(st.text(), st.text(), st.text())
def test_what_is_between_is_replaced_and_the_rest_stays(before: str, text: str, after: str) -> None:
    page = f"{before}{BEGIN}\nold\n{END}{after}"
    assert put_between(BEGIN, END, text, page) == f"{before}{BEGIN}\n{text}\n{END}{after}"


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_both_in_order_is_refused(page: str) -> None:
    with pytest.raises(MarkerError, match="lacks the lines <!-- "):
        put_between(BEGIN, END, "new", page)
