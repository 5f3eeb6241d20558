"""A claim about retries whose clients are broken on purpose, on real servers and clients."""

import json
from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Lab, copy_checkout, edit

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
    assert ended.code == 1, ended.out + ended.err
    (file,) = json.loads(ended.out)["files"]
    ends, stays = file["claims"]
    assert [ends["verdict"], stays["verdict"]] == ["inverted", "reproduced"]
    assert lab.left_processes() == []
