"""Twin and machine agree about the problems of the quiz: about at least 99% of 200 of them."""

import json
import time
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.quiz.generate import QUESTIONS
from tests.e2e.lab_fixtures import Lab

SEED = 7
MANY, LEAST = 200, 0.99
DEADLINE_S = 3_600.0


@pytest.mark.slow
@pytest.mark.timeout(DEADLINE_S + 60)
def test_twin_and_machine_agree(tmp_path: Path, is_long: bool) -> None:
    """A problem without a valid run, on a busy machine, decides nothing; of many, most have one."""
    count = MANY if is_long else len(QUESTIONS)
    lab = Lab(ROOT, tmp_path)
    begun_s = time.monotonic()
    ended = lab.orchestrate(
        "quiz", "--seed", str(SEED), "--count", str(count), "--run", "--json",
        "--backend", "process", "--out", tmp_path,
        deadline_s=DEADLINE_S,
    )  # fmt: skip
    found = json.loads(ended.out)
    agreement = found["agreement"]
    print(f"\n{count} problems in {time.monotonic() - begun_s:.0f} s: {agreement}")
    for each in found["problems"]:
        if not each["machine"]["agrees"]:
            print(f"{each['number']} {each['kind']} {each['scenario']['models']}: "
                  f"{each['answer']}, {each['machine']}")  # fmt: skip
    assert lab.left_processes() == []
    assert sum(agreement.values()) == count
    decided = agreement["agree"] + agreement["differ"]
    assert decided >= count / 2 or not is_long
    assert agreement["differ"] <= max(decided * (1 - LEAST), 1)
