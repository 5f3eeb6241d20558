from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario

Load = Callable[[str | bytes], Scenario]
Problems = Callable[[str | bytes], list[str]]

SCENARIO = """\
intent: x
models: [single, epoll]
clients:
  - {executor: closed, users: 2, messages: 2, name: slow}
  - {executor: closed, users: 2, messages: 2, name: fast}
matrix: {workers: [2, 4]}
"""
ONE_POINT = "intent: x\nmodels: [single]\nclients: [{executor: closed, users: 2, messages: 2}]\n"


@pytest.mark.parametrize(
    "answer",
    [
        '"It takes {makespan(single, workers=4)}."',
        '["{slow.p99}", "{fastest(fast.p99)}, {ratio}, {makespan(slowest)}"]',
        '[{if: ratio(makespan) > 2, then: "a {errors}", else: "b"}]',
        '{if: slow.failed == 0, then: "a"}',
        '"costs ${a}"',
    ],
)
def test_an_answer_as_it_was_run_is_the_same_answer(
    load: Load, scenario_file: Path, answer: str
) -> None:
    scenario = load(f"{SCENARIO}variables: {{a: 5}}\nanswer: {answer}\n")
    scenario_file.write_text(yaml.safe_dump(scenario.resolved()), encoding="utf-8")
    assert load_scenario(scenario_file, ["single", "epoll"]).answer == scenario.answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('"{makespan(prefork)}"',
         ["7:11: unknown model 'prefork'; allowed: single, epoll"]),
        ('"a {makespan(workers=3)}"',
         ["7:13: workers is never '3'; its values: 2, 4"]),
        ('"{makespan(users=3)}"',
         ["7:11: unknown axis 'users'; allowed: workers"]),
        ('["{sloow.p99}"]',
         ["7:12: unknown client group 'sloow'; did you mean 'slow'? client groups: slow, "
          "fast; views of the run: slowest, predicted, replayed"]),
        ('[{if: errors == 0, then: "{", else: "}"}]',
         ["7:35: then: this brace is never closed; write } after the measure, or {{ for a brace",
          "7:46: else: no brace is open here; write }} for a brace"]),
        ('[{if: errors == 0}]',
         ["7:10: missing key 'then'; write a sentence in quotes, or "
          "{if: EXPRESSION, then: SENTENCE, else: SENTENCE}"]),
        ("[{makespan: 2}]",
         ["7:11: unknown key 'makespan'; allowed: if, then, else; "
          "put a sentence that begins with { in quotes"]),
        ("[7]",
         ["7:10: 7 is a number; write a sentence in quotes, or "
          "{if: EXPRESSION, then: SENTENCE, else: SENTENCE}"]),
        ("[{if: ratio > 2, then: a}]",
         ["7:15: if: the ratio of which measure? write e.g. ratio(makespan)"]),
        ('"{ratio(sloow.makespan)}"',
         ["7:11: unknown client group 'sloow'; did you mean 'slow'? client groups: slow, "
          "fast; views of the run: slowest, predicted, replayed"]),
        (str(["a"] * 11), ["7:9: answer: 11 sentences; allowed: at most 10"]),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_where(
    problems: Problems, answer: str, expected: list[str]
) -> None:
    assert problems(f"{SCENARIO}answer: {answer}\n") == expected


def test_a_point_needs_a_matrix(problems: Problems) -> None:
    (problem,) = problems(f'{ONE_POINT}answer: "{{makespan(workers=3)}}"\n')
    assert problem.endswith("workers: this scenario has no matrix")


@pytest.mark.parametrize("section", ["expect: {all: ['%s']}", "validity: ['%s']"])
def test_an_expectation_of_a_case_names_no_other_point(problems: Problems, section: str) -> None:
    (problem,) = problems(SCENARIO + section % "makespan(single, workers=2) < 1s" + "\n")
    assert problem.endswith(
        "this names one point of the matrix; only compare, claims and an answer may"
    )


@pytest.mark.parametrize(
    ("compared", "problem"),
    [
        ("makespan(single, workers=2) < makespan(single, workers=3)",
         "workers is never '3'; its values: 2, 4"),
        ("makespan(single, workers=2) < makespan(epoll)",
         "another measure here names workers; name it in each: makespan(epoll, workers=…)"),
        ("makespan(workers=2) < makespan(epoll, workers=4)",
         "the model is missing; write e.g. makespan(single)"),
        ("makespan(single, workers=2) < users(workers=4) * 1s",
         "the model is missing; write e.g. users(single)"),
    ],
)  # fmt: skip
def test_a_comparison_between_points_says_whose_and_where(
    problems: Problems, compared: str, problem: str
) -> None:
    (found,) = problems(f"{SCENARIO}compare: ['{compared}']\n")
    assert found.endswith(problem)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("[makespn]", "7:8: unknown measure 'makespn'; did you mean 'makespan'?"),
        ("[p99, p99]", "7:13: this measure is already in the list; name each once"),
        ("[p99, makespan, response_time_p99]",
         "7:23: this measure is already in the list; name each once"),
        ("['p(95)', p95]", "7:17: this measure is already in the list; name each once"),
        ("[sloow.p99]", "7:8: unknown client group 'sloow'; did you mean 'slow'?"),
        ("makespan", "7:7: show: 'makespan' is text; write a list of measures"),
        ("[7]", "7:8: 7 is a number; write the name of a measure, e.g. makespan"),
        ("['p(200)']", "7:8: '200' is not a percentile"),
        (f"[{', '.join(f'p{n}' for n in range(10, 23))}]",
         "7:7: show: 13 measures; allowed: at most 12"),
    ],
)  # fmt: skip
def test_measures_to_show_are_checked(problems: Problems, shown: str, expected: str) -> None:
    (problem,) = problems(f"{SCENARIO}show: {shown}\n")
    assert problem.startswith(expected)


def test_shown_are_those_asked_for_else_the_measured_ones_of_the_expectations(load: Load) -> None:
    expected = (
        "expect: {all: [slow.p99 < users * 1s, makespan < 2s]}\ncompare: ['p95(single) < 1s']\n"
    )
    assert load(SCENARIO + expected).shown == (
        "slow.response_time_p99", "makespan", "response_time_p95",
    )  # fmt: skip
    assert load(SCENARIO + expected + "show: [slow.p50]\n").shown == ("slow.response_time_p50",)


def test_a_measure_of_the_only_group_is_shown_as_that_of_the_case(load: Load) -> None:
    assert load(ONE_POINT + "show: [clients.p99, p99, users]\n").shown == (
        "response_time_p99", "users",
    )  # fmt: skip


def test_percentiles_that_only_an_answer_or_a_column_names_are_measured(load: Load) -> None:
    answer = 'answer: "{p95} {fastest(p(99.5))} {ratio(p55)}"\nshow: [p45]\n'
    found = load(f"{SCENARIO}{answer}compare: ['p35(single) < 1s']\n").percentiles
    assert sorted(found["response_time"]) == ["p35", "p45", "p55", "p95", "p99_5"]
