"""Broken on purpose, a claim comes out contrary: on real servers, as local processes."""

import json
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.results.reproduction import Standing
from tests.e2e.lab_fixtures import Lab

CONTRADICTS = 1
DEADLINE_S = 600.0
BROKEN = [
    ("stevens_balance", {"accept": "prefork_pass", "passing": "prefork"}, {0, 1}),
    ("stevens_locks", {"woken": "prefork_lock", "locked": "prefork"}, {1}),
    ("stevens_children", {"accept": "prefork_epoll"}, {1}),
    ("stevens_herd", {"shared": "prefork"}, {0}),
    ("head_of_line", {"long": "sleep=2s"}, {1}),
    ("head_of_line", {"workers": "1"}, {2}),
    ("zygos", {"one": "reuseport", "split": "prefork"}, {0, 1}),
]
"""Files, variables that break them, and the claims that then contradict what is known.

The second one replaces the kernel's wake-up in ``accept`` by a lock, the third one that of one
process by that of all.
"""


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "settings", "contrary"), BROKEN)
def test_broken_on_purpose_a_claim_comes_out_contrary(
    tmp_path: Path, name: str, settings: dict[str, str], contrary: set[int]
) -> None:
    lab = Lab(ROOT, tmp_path / "results")
    pairs = [word for each in settings.items() for word in ("--set", "=".join(each))]
    place = ("--backend", "process", "--out", lab.out)
    ended = lab.orchestrate("reproduce", name, *pairs, *place, deadline_s=DEADLINE_S)
    found = json.loads((ended.results[0] / "reproduction.json").read_text())
    claims = found["files"][0]["claims"]
    assert {claims[index]["standing"] for index in contrary} == {Standing.CONTRADICTS}, ended.out
    assert ended.code == CONTRADICTS
