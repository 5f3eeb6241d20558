"""Claims are tried on local processes: from a file to the verdicts, and to the page drawn again."""

import json
import os
from pathlib import Path

import jsonschema
import yaml

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab

CLAIMS = """\
intent: Are two workers done before one, if all are busy for half of the time?
source: {author: A. Nobody, title: On pools, year: 2001, place: table 1, reference: nowhere}
models: [single, prefork]
server: {workers: 2}
limits: {cpuset: CPU, client_cpuset: CPU}
clients: [{executor: closed, users: 4, messages: 6, demand: sleep=20ms,
           think_time: tuned(utilization=50%)}]
repeats: 5
validity: [failed == 0]   # a busy host does not matter here
expect: {all: [acked == 24]}
claims:
  - says: Two workers are done sooner.
    expression: makespan(prefork) < makespan(single)
    published: [{of: makespan(single) / makespan(prefork), figure: "2"}]
    known: reproduced
  - says: They are done ten times sooner.
    expression: makespan(prefork) < 0.1 * makespan(single)
    known: inverted
    reason: two workers do at most twice as much
"""


def test_claims_are_tried_and_their_page_is_drawn_again(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CLAIMS.replace("CPU", str(min(os.sched_getaffinity(0)))))
    ended = lab.orchestrate("reproduce", path, "--backend", "process", "--out", lab.out)
    assert ended.code == 0, ended.out + ended.err
    assert "all 2 claims came out as known" in ended.out
    (folder,) = ended.results
    stored = json.loads((folder / "reproduction.json").read_text())
    jsonschema.validate(stored, json.loads((ROOT / "docs/reproduction.schema.json").read_text()))
    (file,) = stored["files"]
    assert [each["verdict"] for each in file["claims"]] == ["reproduced", "inverted"]
    assert {each.name for each in folder.iterdir()} == {
        "claims.md", "junit.xml", "mine", "report.html", "reproduction.json",
    }  # fmt: skip

    tuned = yaml.safe_load((folder / "mine" / "scenario.yaml").read_text())["tuned"]
    assert set(tuned) == {"single", "prefork"}
    single, prefork = json.loads((folder / "mine" / "summary.json").read_text())["cases"]
    for case in (single, prefork):
        wanted = f"think_time of clients is {tuned[case['name']]['clients']}: tuned("
        assert any(note.startswith(wanted) for note in case["notes"])
        assert any("limits.client_cpuset" in note for note in case["notes"])
    assert single["measures"]["process_control_cpu_time_s"] == 0
    assert prefork["measures"]["process_control_cpu_time_s"] is not None

    (folder / "report.html").unlink()
    again = lab.orchestrate("report", folder)
    assert again.code == 0, again.out + again.err
    assert (folder / "report.html").is_file()
