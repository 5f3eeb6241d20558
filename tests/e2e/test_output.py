"""Whatever the streams, the terminal and Python's settings are, a command does what it says.

Calls of the first test are forks of a process that has loaded everything, since a start takes long.
"""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import ROOT
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_campaign

pytestmark = pytest.mark.together

HOSTILE = "::error::x ##[error]y"
CLIENT = {"executor": "closed", "users": 1, "messages": 1, "demand": "sleep=1ms"}
ONE: dict[str, object] = {
    "intent": f"{HOSTILE} \U0001f600",
    "models": ["single"],
    "clients": [CLIENT],
    "expect": {"all": ["acked == 1"]},
    "validity": [],
}
UNWRITABLE = ("/dev/full", "closed", "unread")
FORKS = """
import json, os, sys
from orchestrator.cli import clean, compare, main, plan, predict, report, run, schema, validate
from orchestrator.cli.streams import guarded

def redirect(output):
    if output == "closed":
        os.close(0), os.close(1), os.close(2)
        sys.stdout = sys.stderr = None
        return
    reading, target = os.pipe()
    os.close(reading)
    if output != "unread":
        target = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(target, 1), os.dup2(target, 2)

def code_of(words, output):
    if not (pid := os.fork()):
        code = 255
        try:
            redirect(output)
            with guarded():
                code = main.main(words)
        except SystemExit as exc:
            code = exc.code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

print(json.dumps([code_of(words, output) for words, output in json.loads(sys.argv[1])]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a scenario, one that is invalid, and two stored runs."""
    (tmp_path / "one.yaml").write_text(json.dumps(ONE))
    (tmp_path / "bad.yaml").write_text(json.dumps(ONE | {f"{HOSTILE}\x1b[31m": 1}))
    store_campaign(tmp_path)
    (tmp_path / "failing").mkdir()
    store_campaign(tmp_path / "failing", SCENARIO.replace("acked == 2", "acked == 3"))
    return tmp_path


def test_no_command_depends_on_its_output_or_prints_what_is_obeyed(folder: Path) -> None:
    one, bad, out = (str(folder / name) for name in ("one.yaml", "bad.yaml", "results"))
    (stored,), (failing,) = (map(str, folder.glob(f"{under}two-*")) for under in ("", "failing/"))
    codes = {
        (): 2,
        ("--help",): 0,
        (f"nowhere\n{HOSTILE}",): 2,
        ("plan", one): 0,
        ("predict", one): 0,
        ("predict", one, "--json"): 0,
        ("validate", one): 0,
        ("validate", bad, f"{HOSTILE}\n{HOSTILE}"): 2,
        ("report", failing): 1,
        ("report", failing, "--json"): 1,
        ("report", stored, failing, "--out", str(folder / "page.html")): 1,
        ("compare", stored, f"{failing}\n{HOSTILE}"): 2,
        ("clean", "--dry-run", "--campaign", f"\n{HOSTILE}"): 0,
        ("schema",): 0,
    }
    run = ("run", one, "--backend", "process", "--out", out)
    printed = folder / "printed"
    printed.touch()
    calls = [(words, output) for words in codes for output in (*UNWRITABLE, str(printed))]
    calls += [(run, "unread"), (run, str(printed)), ((*run, "--json"), "/dev/full")]
    ended = subprocess.run(
        [sys.executable, "-c", FORKS, json.dumps(calls)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = list(zip(calls, json.loads(ended.stdout), strict=True))
    assert [each for each in found if each[1] != codes.get(each[0][0], 0)] == []
    summaries = [json.loads(path.read_text()) for path in Path(out).glob("*/summary.json")]
    assert [summary["exit_code"] for summary in summaries] == [0, 0, 0]
    lines = printed.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.lstrip().startswith("::") or "##[" in line] == []
    assert sum("error::x" in line for line in lines) > len(codes) / 3


def test_it_runs_from_any_folder_by_a_link_whatever_python_is_set_to(folder: Path) -> None:
    """PYTHONSAFEPATH leaves the folder of a program out, for what it starts as well."""
    link = folder / "bin" / "lab"
    link.parent.mkdir()
    link.symlink_to(ROOT / "orchestrate.py")
    settings = {"PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error", "PYTHONUTF8": "0", "LC_ALL": "C"}
    ended = subprocess.run(
        [sys.executable, link, "one.yaml", "--backend", "process"],
        cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert len(list(folder.glob("results/one-*/report.html"))) == 1
    isolated = [sys.executable, "-I", str(link), "validate", "one.yaml"]
    assert subprocess.run(isolated, cwd=folder, capture_output=True, check=False).returncode == 0


def test_a_closed_terminal_ends_the_run_and_keeps_the_cases_that_ended(folder: Path) -> None:
    """SIGHUP comes with a standard error that nobody reads any more."""
    two = ONE | {"repeats": 2, "timeout": "60s"}
    two["clients"] = [{**CLIENT, "messages": 10, "demand": "sleep=100ms"}]
    (folder / "two.yaml").write_text(json.dumps(two))
    out = folder / "results"
    command = ["run", str(folder / "two.yaml"), "--backend", "process", "--out", str(out)]
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "orchestrate.py", *command])  # noqa: S606
    shown = b""
    while b" expectations " not in shown:
        shown += os.read(terminal, 1000)
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    (path,) = out.glob("*/summary.json")
    summary = json.loads(path.read_text())
    assert (code, summary["exit_code"], summary["status"]) == (130, 130, "interrupted")
    assert summary["reason"] == "interrupted by SIGHUP"
    assert [len(case["runs"]) for case in summary["cases"]] == [1]
    assert summary["planned_runs"] == 2
    assert "interrupted after 1 of 2 runs" in (path.parent / "report.html").read_text()
