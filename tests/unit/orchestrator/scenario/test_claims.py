"""Claims of a scenario: what they may say, and what is refused, at its place."""

import pytest
import yaml

from orchestrator.results.reproduction import Claimed, Verdict
from orchestrator.scenario.scenario import Scenario
from tests.unit.conftest import Load, Problems

BEGIN = """\
intent: Which is faster?
models: [single, epoll]
clients: [{executor: closed, users: 2, messages: 1, demand: sleep=1ms}]
"""
SOURCE = "source: {author: A. Nobody, title: On servers, year: 2001, reference: nowhere}\n"
CLAIM = """\
claims:
  - says: A loop is faster.
    expression: makespan(epoll) < makespan(single)
    known: reproduced
    published:
      - of: makespan(single)
        figure: 2 s
      - of: makespan(single) / makespan(epoll)
        figure: "2"
"""
WHOLE = f"{BEGIN}repeats: 5\n{SOURCE}{CLAIM}"


def test_a_claim_has_a_confidence_although_none_is_written(load: Load) -> None:
    (claim,) = load(WHOLE).claims
    assert claim.expression.confidence is None
    assert claim.judged.confidence == claim.confidence == 0.95
    assert (claim.claimed, claim.known, claim.reason) == (Claimed.ORDER, Verdict.REPRODUCED, None)
    with_its_own = WHOLE.replace("< makespan(single)\n", "< makespan(single) with 90%\n")
    assert load(with_its_own).claims[0].confidence == 0.9


def test_published_cells_are_values_with_the_figures_of_the_source(load: Load) -> None:
    (claim,) = load(WHOLE).claims
    assert {each.of.text: each.figure for each in claim.published} == {
        "makespan(single)": "2 s",
        "makespan(single) / makespan(epoll)": "2",
    }
    assert {name.model for name in claim.names} == {"single", "epoll"}


def test_the_stored_scenario_has_the_same_claims(load: Load) -> None:
    scenario = load(WHOLE)
    assert load(yaml.safe_dump(scenario.resolved(), sort_keys=False)) == scenario


def test_a_scenario_without_claims_has_none_in_its_stored_form(load: Load) -> None:
    scenario: Scenario = load(BEGIN)
    assert (scenario.source, scenario.claims) == (None, ())


def test_measures_of_claims_are_in_question(load: Load) -> None:
    assert load(WHOLE).shown == ("makespan",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (SOURCE, "", "5:1: whose claims? add source"),
        (CLAIM, "", "5:1: what does it claim?"),
        ("repeats: 5\n", "", "7:17: expression: 0.95 of confidence needs repeats: 5 or more"),
        ("known: reproduced", "known: inverted", "9:12: known: it is known to be inverted; add"),
        ("known: reproduced", "known: perhaps", "9:12: known: unknown value 'perhaps'"),
        ("known: reproduced", "claimed: order", "missing key 'known'"),
        ("makespan(epoll) <", "makespan(pole) <", "8:17: expression: unknown model 'pole'"),
        ("makespan(epoll) <", "makespan <", "8:17: expression: the model is missing"),
        ("of: makespan(single)\n", "of: makespan(pole)\n", "11:13: of: unknown model 'pole'"),
        ("of: makespan(single)\n", "of: makspan(single)\n", "unknown function 'makspan'"),
        ("of: makespan(single)\n", "of: makespan(single) < 2s\n", "'<' does not fit here"),
        ("of: makespan(single)\n", "oh: makespan(single)\n", "unknown key 'oh'"),
        ('"2"', "2", "2 is a number; write text"),
        ("author: A. Nobody, ", "", "missing key 'author'"),
        ("author: A. Nobody", "autor: A. Nobody", "unknown key 'autor'; did you mean 'author'?"),
        ("year: 2001", "year: 201", "year: 201 is out of range"),
        ("says: A loop is faster.", "says: ''", "says: not a sentence"),
    ],
)
def test_a_wrong_claim_is_refused_at_its_place(
    problems: Problems, old: str, new: str, message: str
) -> None:
    assert old in WHOLE
    assert message in "\n".join(problems(WHOLE.replace(old, new)))


def test_a_claim_has_one_verdict_so_it_names_every_axis(load: Load, problems: Problems) -> None:
    swept = WHOLE + "matrix: {workers: [1, 2], backlog: [9]}\n"
    assert "name workers in each of its measures" in "\n".join(problems(swept))
    named = swept.replace("(single)", "(single, workers=1)")
    named = named.replace("(epoll)", "(epoll, workers=2)")
    assert load(named).claims[0].expression.names[0].point == (("workers", "2"),)
