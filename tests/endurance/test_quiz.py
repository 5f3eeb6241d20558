"""Twin and machine agree about the problems of the quiz: about at least 99% of 200 of them."""

import json
import time
from pathlib import Path

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab

SEED = 7
COUNT, LEAST = 200, 0.99
DEADLINE_S = 3_600.0


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.timeout(DEADLINE_S + 60)
def test_twin_and_machine_agree(tmp_path: Path) -> None:
    """A problem without a valid run, on a busy machine, decides nothing; of many, most have one."""
    lab = Lab(ROOT, tmp_path)
    begun_s = time.monotonic()
    ended = lab.orchestrate(
        "quiz", "--seed", str(SEED), "--count", str(COUNT), "--run", "--json",
        "--backend", "process", "--out", tmp_path,
        deadline_s=DEADLINE_S,
    )  # fmt: skip
    found = json.loads(ended.out)
    agreement = found["agreement"]
    print(f"\n{COUNT} problems in {time.monotonic() - begun_s:.0f} s: {agreement}")
    for each in found["problems"]:
        if not each["machine"]["agrees"]:
            print(f"{each['number']} {each['kind']} {each['scenario']['models']}: "
                  f"{each['answer']}, {each['machine']}")  # fmt: skip
    assert lab.left_processes() == []
    assert sum(agreement.values()) == COUNT
    decided = agreement["agree"] + agreement["differ"]
    assert decided >= COUNT / 2
    assert agreement["differ"] <= decided * (1 - LEAST)
