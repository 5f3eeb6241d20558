"""What a tab is made of."""

from pathlib import Path

from orchestrator.explore.tab import Surroundings, Tab


def test_a_tab_needs_no_values_for_its_template() -> None:
    tab = Tab("one", "One", lambda _: [])
    assert tab.values(Surroundings(Path())) == {}
