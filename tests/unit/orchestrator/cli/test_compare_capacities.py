"""``compare`` of two capacity searches."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.results.capacity import Capacity, LoadKind
from tests.unit.orchestrator.campaign.stored_run_fixtures import store_campaign
from tests.unit.orchestrator.capacity.capacity_fixtures import capacity, case

BEFORE = capacity(case("a"), case("b"))


def stored(folder: Path, found: Capacity) -> str:
    """Store ``found`` in ``folder``; return its name."""
    folder.mkdir()
    (folder / "capacity.json").write_text(found.model_dump_json())
    return str(folder)


def compared(tmp_path: Path, after: Capacity, *options: str) -> int:
    """Compare ``after`` with `BEFORE`; return the exit code."""
    pair = stored(tmp_path / "first", BEFORE), stored(tmp_path / "second", after)
    return main(["compare", *pair, *options])


def test_a_case_that_bears_less_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(tmp_path, capacity(case("a", (106, 111)), case("c"))) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "of 1 case: 1 worse"
    assert shown.err == "not compared, because only one of the searches has it: b, c\n"


def test_a_search_compared_with_its_equal_is_exit_code_0(tmp_path: Path) -> None:
    assert compared(tmp_path, BEFORE) == 0


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"objectives": ["p99 < 1s"]}, "--different-scenarios"),
        ({"host": {"kernel": "5.1.0"}}, "--different-hosts"),
    ],
)
def test_other_objectives_or_hosts_have_no_verdict_unless_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], option: str
) -> None:
    after = BEFORE.model_copy(update=change)
    assert compared(tmp_path, after) == 4
    assert option in capsys.readouterr().out
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert main(["compare", first, second, option]) == 0


def test_json_has_the_bounds_the_ratio_and_the_conditions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    after = capacity(case("a", (106, 111)), at=200.0)
    assert compared(tmp_path, after, "--json") == 1
    found = json.loads(capfd.readouterr().out)
    (row,) = found["differences"]
    assert row["before"] == [212, 223]
    assert row["ratio"] == pytest.approx([106 / 223, 111 / 212])
    assert row["verdict"] == "worse"
    assert "load asked about" in [each["name"] for each in found["conditions"]]


@pytest.mark.parametrize(
    ("after", "options", "message"),
    [
        (capacity(case("c")), (), "have no case in common"),
        (
            capacity(case("a"), kind=LoadKind.USERS),
            (),
            "searches the arrival rate and {}/second the users",
        ),
        (BEFORE, ("--threshold", "3%"), "--threshold: only for two runs"),
        (BEFORE, ("--measure", "errors"), "--measure: only for two runs"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    after: Capacity,
    options: tuple[str, ...],
    message: str,
) -> None:
    assert compared(tmp_path, after, *options) == 2
    assert message.format(tmp_path) in capsys.readouterr().err


def test_a_search_and_a_run_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(store_campaign(tmp_path)[0].path)
    search = stored(tmp_path / "search", BEFORE)
    for pair in ((run, search), (search, run)):
        assert main(["compare", *pair]) == 2
        assert capsys.readouterr().err == (
            f"orchestrate.py: {search} holds a capacity search and {run} does not; "
            "compare two searches, or two runs\n"
        )
