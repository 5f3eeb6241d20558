"""What a tab is made of."""

from pathlib import Path

from orchestrator.explore.tab import Surroundings, Tab


def test_a_tab_needs_no_values_for_its_template() -> None:
    tab = Tab("one", "One", lambda _: [])
    assert tab.values(Surroundings(Path())) == {}


def test_play_begins_with_a_user_more_than_workers_on_the_cpus_that_may_be_used() -> None:
    usual = Surroundings(Path())
    assert usual.controls.users == usual.controls.workers + 1
    assert usual.cpus >= 1
