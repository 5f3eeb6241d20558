"""Broken on purpose, a claim comes out contrary: real servers and clients, local processes."""

import json
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.results.reproduction import Verdict
from tests.e2e.lab_fixtures import Lab, copy_checkout, edit
from tests.unit.docs.claim_file_fixtures import INVERTED, SWAPS

CONTRADICTS = 1
DEADLINE_S = 900.0


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.timeout(1000)
def test_clients_that_ignore_their_budget_of_retries_keep_the_overload_up(tmp_path: Path) -> None:
    """A host that other programs delay would only keep it up longer, so it is accepted here."""
    lab = Lab(copy_checkout(tmp_path / "copy"), tmp_path / "results")
    edit(
        lab.checkout / "labkit" / "workload" / "retries.py",
        lambda text: text.replace("if self._saved < TOKEN:", "if self._saved < -TOKEN * 10**9:"),
    )
    edit(
        lab.checkout / "claims" / "metastable.yaml",
        lambda text: text.replace("timeout: 120s", "timeout: 120s\nvalidity: [host_busy <= 100%]"),
    )
    ended = lab.orchestrate(
        "reproduce", "metastable", "--backend", "process", "--out", lab.out, "--json",
        deadline_s=DEADLINE_S,
    )  # fmt: skip
    assert ended.code == CONTRADICTS, ended.out + ended.err
    (file,) = json.loads(ended.out)["files"]
    ends, stays = file["claims"]
    assert [ends["verdict"], stays["verdict"]] == ["inverted", "reproduced"]
    assert lab.left_processes() == []


UNSUITED = {"stevens_control", "zygos_two"}
"""Swapped, some of their other claims are undecided, or need the full tier."""

BROKEN = [
    *(pytest.param("process", *each, id=each[0]) for each in SWAPS if each[0] not in UNSUITED),
    pytest.param(
        "docker",
        "closed_listener",
        {"lost": "1", "moved": "0"},
        {0: INVERTED, 1: INVERTED},
        marks=pytest.mark.docker,
    ),
]


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.timeout(1000)
@pytest.mark.parametrize(("backend", "name", "settings", "contrary"), BROKEN)
def test_swapped_a_claim_comes_out_contrary(
    tmp_path: Path, backend: str, name: str, settings: dict[str, str], contrary: dict[int, Verdict]
) -> None:
    lab = Lab(ROOT, tmp_path / "results")
    pairs = [word for each in settings.items() for word in ("--set", "=".join(each))]
    place = ("--backend", backend, "--out", lab.out)
    ended = lab.orchestrate("reproduce", name, *pairs, *place, deadline_s=DEADLINE_S)
    found = json.loads((ended.results[0] / "reproduction.json").read_text())
    claims = found["files"][0]["claims"]
    assert {index: claims[index]["verdict"] for index in contrary} == contrary, ended.out
    assert ended.code == CONTRADICTS
