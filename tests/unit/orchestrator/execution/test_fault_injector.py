"""Faults are injected when they are due, and reverted whatever happens."""

import os
import select
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.analysis.fault_doubts import find_fault_doubts
from orchestrator.execution import fault_injector
from orchestrator.execution.backend import BackendError, Crowd
from orchestrator.execution.background import in_background
from orchestrator.execution.fault_injector import FaultInjector
from orchestrator.execution.fault_requests import NO_LOAD, FaultAsker, FaultRequests
from orchestrator.execution.program_log import wait_for
from orchestrator.results.fault_log import (
    FAULTS_FILE,
    FORESTALLED,
    TOO_LATE,
    FaultRecord,
    read_faults,
)
from orchestrator.scenario.faults import MAX_FAULTS, Fault
from tests.unit.orchestrator.analysis.evidence_fixtures import ONE_AFTER_THE_OTHER
from tests.unit.orchestrator.execution.server_fixtures import RecordingServer

DEADLINE_S = 20.0


def injected(server: RecordingServer, *faults: Fault) -> FaultInjector:
    """Inject ``faults`` from now on until the server's last action."""
    injector = FaultInjector(faults, server, 1, server.reports.append)
    with injector:
        injector.begin(time.monotonic_ns())
        assert server.done.wait(DEADLINE_S)
    return injector


PAUSE = Fault(at="1ms", fault="pause", lasts="5ms")


def test_faults_are_injected_and_reverted_in_the_order_of_time(tmp_path: Path) -> None:
    server = RecordingServer(last="terminate")
    limit = Fault(at="3ms", fault="cpu-limit", cpus=0.5, lasts="20ms")
    end = Fault(at="150ms", fault="terminate")
    injected(server, end, limit, PAUSE).store(tmp_path)
    assert server.actions == ["pause", "cpus 0.5", "resume", "cpus None", "terminate"]
    assert server.reports == [
        "pause", "cpu-limit", "pause is over", "cpu-limit is over", "terminate",
    ]  # fmt: skip
    records = read_faults(tmp_path)
    assert [each.fault for each in records] == ["terminate", "cpu-limit", "pause"]
    assert all(each.error == "" and (each.effect_ns or 0) >= each.asked_ns for each in records)
    assert records[0].reverted_ns is None
    assert (records[2].reverted_ns or 0) >= records[2].asked_ns + 5_000_000


def test_each_fault_that_lasts_is_reverted_in_its_own_way() -> None:
    server = RecordingServer(last="restart")
    kinds = ("disconnect", "fill-backlog", "latency", "kill")
    faults = [
        Fault(at=f"{10 * n + 1}ms", fault=kind, lasts="5ms", attributes={"latency": "9ms"}).against(
            workers=2, backlog=5
        )
        for n, kind in enumerate(kinds)
    ]
    injected(server, *faults)
    server.actions.remove("prepare 8 for 0.005 s: fill-backlog at 11ms")  # ahead, at any time
    pairs = [
        ("disconnect", "reconnect"),
        ("fill backlog: fill-backlog at 11ms", "release backlog: fill-backlog at 11ms"),
        ("latency {'latency': '9ms'}", "lift latency at 21ms"),
        ("kill", "restart"),
    ]
    assert sorted(server.actions) == sorted(action for pair in pairs for action in pair)
    for begun, ended in pairs:
        assert server.actions.index(begun) < server.actions.index(ended)


def test_the_end_of_the_load_reverts_lasting_faults_and_later_ones_are_skipped(
    tmp_path: Path,
) -> None:
    server = RecordingServer(last="pause")
    later = Fault(at="50m", fault="kill")
    injected(server, Fault(at="0s", fault="pause", lasts="40m"), later).store(tmp_path)
    assert server.actions == ["pause", "resume"]
    paused, killed = read_faults(tmp_path)
    assert paused.reverted_ns is not None
    assert (killed.effect_ns, killed.error) == (None, TOO_LATE)


@pytest.mark.parametrize(
    ("fault", "actions"),
    [
        (Fault(at="1ms", fault="pause", lasts="40m"), ["pause", "resume"]),
        (Fault(at="1ms", fault="kill", lasts="40m"), ["kill"]),  # it will be removed anyway
    ],
)
def test_an_interrupt_reverts_lasting_faults(fault: Fault, actions: list[str]) -> None:
    server = RecordingServer(last=fault.fault)
    injector = FaultInjector([fault], server, 1, server.reports.append)

    def interrupted() -> None:
        with injector:
            injector.begin(time.monotonic_ns())
            assert server.done.wait(DEADLINE_S)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert server.actions == actions


@pytest.mark.parametrize(
    ("worker", "choices"), [(2, {"kill 2"}), ("random", {"kill 1", "kill 2", "kill 3"})]
)
def test_the_worker_is_given_or_chosen_by_the_seed(worker: int | str, choices: set[str]) -> None:
    actions = set()
    for _ in range(3):
        server = RecordingServer()
        fault = Fault(at="0s", fault="kill-worker", worker=worker)
        with FaultInjector([fault], server, 7, server.reports.append) as injector:
            injector.begin(time.monotonic_ns())
            deadline_s = time.monotonic() + DEADLINE_S
            while not server.actions and time.monotonic() < deadline_s:
                time.sleep(0.001)
        actions |= set(server.actions)
    assert len(actions) == 1  # the seed decides, so always the same
    assert actions <= choices


def test_a_fault_that_cannot_be_injected_is_recorded(tmp_path: Path) -> None:
    with FaultInjector([PAUSE], RecordingServer(is_gone=True), 1, print) as injector:
        injector.begin(time.monotonic_ns())
        deadline_s = time.monotonic() + DEADLINE_S
        while injector.is_running and time.monotonic() < deadline_s:
            time.sleep(0.001)
    injector.store(tmp_path)
    assert [each.error for each in read_faults(tmp_path)] == ["the server has gone"]


def test_without_faults_there_are_no_records(tmp_path: Path) -> None:
    with FaultInjector([], RecordingServer(), 1, print) as injector:
        injector.begin(time.monotonic_ns())
    injector.store(tmp_path)
    assert read_faults(tmp_path) == ()
    assert read_faults(tmp_path / "none") == ()


def overlapping(*faults: Fault) -> list[str]:
    """Return what is done for faults until the last has ended."""
    server = RecordingServer()
    with FaultInjector(faults, server, 1, server.reports.append) as injector:
        injector.begin(time.monotonic_ns())
        deadline_s = time.monotonic() + DEADLINE_S
        while injector.is_running and time.monotonic() < deadline_s:
            time.sleep(0.001)
    return server.actions


def test_toxics_of_one_kind_and_instant_are_lifted_one_by_one() -> None:
    slow = Fault(at="1ms", fault="latency", lasts="9ms", attributes={"latency": "1ms"})
    longer = slow.model_copy(update={"stream": "upstream", "lasts": "20ms"})
    assert overlapping(slow, longer)[2:] == [
        "lift latency at 1ms", "lift latency at 1ms, number 2",
    ]  # fmt: skip


def test_a_fault_lasts_its_length_from_its_effect_and_others_wait_for_its_end(
    tmp_path: Path,
) -> None:
    """A pause that took effect late ends late, so a kill planned after it would meet it."""

    class Slow(RecordingServer):
        def pause(self) -> None:
            super().pause()
            time.sleep(0.03)

    server = Slow(last="kill")
    faults = Fault(at="1ms", fault="pause", lasts="20ms"), Fault(at="21ms", fault="kill")
    injected(server, *faults).store(tmp_path)
    assert server.actions == ["pause", "resume", "kill"]
    paused, killed = read_faults(tmp_path)
    assert (paused.ending_ns or 0) >= (paused.effect_ns or 0) + 20_000_000
    assert (killed.effect_ns or 0) >= (paused.ending_ns or 0)
    assert not paused.is_cut


def test_the_end_of_the_load_cuts_a_fault_and_its_record_says_so(tmp_path: Path) -> None:
    injected(RecordingServer(last="pause"), Fault(at="0s", fault="pause", lasts="40m")).store(
        tmp_path
    )
    (paused,) = read_faults(tmp_path)
    assert paused.is_cut


class Unexpected(RecordingServer):
    """A server on which every action named ``broken`` raises what nobody expects."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self._broken = broken

    def _record(self, action: str) -> None:
        super()._record(action)
        if action in self._broken:
            raise KeyError("NetworkSettings")


def recorded(server: RecordingServer, folder: Path, *faults: Fault) -> list[str]:
    """Return the errors in the records after all faults were to take place."""
    with FaultInjector(faults, server, 1, server.reports.append) as injector:
        injector.begin(time.monotonic_ns())
        deadline_s = time.monotonic() + DEADLINE_S
        while injector.is_running and time.monotonic() < deadline_s:
            time.sleep(0.001)
    injector.store(folder)
    return [record.error for record in read_faults(folder)]


LIMIT = Fault(at="2ms", fault="cpu-limit", cpus=0.5, lasts="30ms")
CUT = Fault(at="10ms", fault="disconnect", lasts="5ms")


def test_whatever_an_injection_raises_is_recorded_and_undone_and_the_rest_reverted(
    tmp_path: Path,
) -> None:
    server = Unexpected("disconnect")
    assert recorded(server, tmp_path, LIMIT, CUT) == ["", "KeyError: 'NetworkSettings'"]
    # The call may have been carried out before it failed.
    assert server.actions == ["cpus 0.5", "disconnect", "reconnect", "cpus None"]


def test_whatever_a_reversal_raises_is_recorded_and_tried_again_at_the_end(
    tmp_path: Path,
) -> None:
    server = Unexpected("reconnect")
    reason = "it could not be reverted: KeyError: 'NetworkSettings'"
    assert recorded(server, tmp_path, LIMIT, CUT) == ["", reason]
    assert server.actions == ["cpus 0.5", "disconnect", "reconnect", "cpus None", "reconnect"]


def test_a_report_that_fails_ends_no_fault() -> None:
    def fail(_: str) -> None:
        raise BrokenPipeError

    server = RecordingServer(last="resume")
    with FaultInjector([PAUSE], server, 1, fail) as injector:
        injector.begin(time.monotonic_ns())
        assert server.done.wait(DEADLINE_S)
    assert server.actions == ["pause", "resume"]


def test_no_fault_is_late_because_another_is_prepared() -> None:
    class Slow(RecordingServer):
        def prepare_crowd(self, name: str, crowd: Crowd) -> None:
            assert self.done.wait(DEADLINE_S)
            super().prepare_crowd(name, crowd)

    server = Slow(last="resume")
    injected(server, Fault(at="1900ms", fault="fill-backlog", lasts="1s"), PAUSE)
    assert server.actions[:2] == ["pause", "resume"]


def test_a_crowd_that_could_not_be_prepared_is_not_done(tmp_path: Path) -> None:
    name = "prepare 3 for 0.005 s: fill-backlog at 2ms"
    server = Unexpected(name)
    crowd = Fault(at="2ms", fault="fill-backlog", lasts="5ms", crowd=3)
    assert recorded(server, tmp_path, crowd) == ["KeyError: 'NetworkSettings'"]
    assert server.actions == [name]


def test_a_fault_after_a_standstill_of_the_orchestrator_lasts_its_length_and_is_a_doubt(
    tmp_path: Path,
) -> None:
    """As after Ctrl-Z: the end that was planned for a fault has passed when it takes effect."""

    class Stopped(RecordingServer):
        def limit_cpus(self, cpus: float | None) -> None:
            super().limit_cpus(cpus)
            time.sleep(0.12 if cpus else 0)

    server = Stopped(last="resume")
    limit = Fault(at="1ms", fault="cpu-limit", cpus=1, lasts="150ms")
    start_ns = time.monotonic_ns()
    injected(server, limit, PAUSE.model_copy(update={"at": "2ms"})).store(tmp_path)
    records = read_faults(tmp_path)
    paused = records[1]
    assert (paused.ending_ns or 0) - (paused.effect_ns or 0) >= 5_000_000
    clients = replace(ONE_AFTER_THE_OTHER.clients, start_ns=start_ns)
    found = find_fault_doubts(replace(ONE_AFTER_THE_OTHER, faults=records, clients=clients))
    assert any(each.text.startswith("fault pause: it was due at ") for each in found)


class Asked:
    """A run under load, and the end at which faults are asked for by hand."""

    def __init__(
        self, server: RecordingServer, *faults: Fault, folder: Path = Path("/nowhere")
    ) -> None:
        self.asker = FaultAsker()
        self.end = socket.socket(fileno=os.dup(self.asker.run_end))
        self.requests = FaultRequests(
            self.end, lambda fault: fault.against(workers=2, backlog=5), folder
        )
        self.asker.started()
        self.injector = FaultInjector(faults, server, 1, server.reports.append, self.requests)

    def __enter__(self) -> "Asked":
        self.injector.begin(time.monotonic_ns())
        return self

    def __exit__(self, *_: object) -> None:
        with self.injector:
            pass
        self.requests.close()
        self.asker.close()

    def records(self, folder: Path) -> tuple[FaultRecord, ...]:
        """Return what is stored of the run."""
        self.injector.store(folder)
        return read_faults(folder)


def test_a_fault_asked_for_by_hand_is_injected_and_recorded_as_one_of_the_scenario(
    tmp_path: Path,
) -> None:
    server = RecordingServer(last="resume")
    with Asked(server, Fault(at="50m", fault="kill")) as run:
        assert run.asker.ask("pause", "20ms") == ""
        assert server.done.wait(DEADLINE_S)
        assert run.asker.ask("kill-worker", None) == ""
    planned, paused, killed = run.records(tmp_path)
    assert server.actions == ["pause", "resume", f"kill {killed.worker}"]
    assert (planned.is_by_hand, planned.error) == (False, TOO_LATE)
    assert (paused.is_by_hand, paused.error, paused.is_cut) == (True, "", False)
    assert paused.asked_ns <= (paused.effect_ns or 0)
    assert (paused.ending_ns or 0) - (paused.effect_ns or 0) >= 20_000_000
    assert paused.reverted_ns is not None
    assert (killed.is_by_hand, killed.error) == (True, "")


def test_records_are_stored_while_faults_can_be_asked_for(tmp_path: Path) -> None:
    with Asked(RecordingServer(last="pause"), folder=tmp_path) as run:
        assert run.asker.ask("pause", "40m") == ""
        (paused,) = read_faults(tmp_path)
        assert (paused.fault, paused.error, paused.reverted_ns) == ("pause", "", None)
        assert paused.effect_ns is not None


def test_the_end_of_the_load_reverts_a_fault_that_was_asked_for_by_hand(tmp_path: Path) -> None:
    server = RecordingServer()
    with Asked(server) as run:
        assert run.asker.ask("pause", "40m") == ""
    assert server.actions == ["pause", "resume"]
    (paused,) = run.records(tmp_path)
    assert paused.is_cut


def test_a_backlog_that_is_filled_by_hand_is_prepared_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_injector, "PREPARED_NS", 20_000_000)
    server = RecordingServer()
    with Asked(server) as run:
        assert run.asker.ask("fill-backlog", "1ms") == ""
        assert wait_for(lambda: "fill-backlog is over" in server.reports, DEADLINE_S)
    begun, filled, released = server.actions
    assert begun.startswith("prepare 8 for 0.001 s: fill-backlog at ")
    assert (filled[:12], released[:15]) == ("fill backlog", "release backlog")
    (record,) = run.records(tmp_path)
    assert (record.crowd, record.is_by_hand, record.error) == (8, True, "")


def test_a_fault_by_hand_that_the_end_of_the_load_forestalls_has_no_record(tmp_path: Path) -> None:
    server = RecordingServer()
    with Asked(server) as run:
        assert run.asker.ask("fill-backlog", "1s") == ""
    assert run.records(tmp_path) == ()
    assert server.reports == [f"fill-backlog (by hand) {FORESTALLED}"]


def test_records_are_stored_when_the_load_begins_for_who_asks(tmp_path: Path) -> None:
    with Asked(RecordingServer(), folder=tmp_path):
        assert wait_for((tmp_path / FAULTS_FILE).is_file, DEADLINE_S)
        assert read_faults(tmp_path) == ()


class Threads(RecordingServer):
    """A server whose workers are threads."""

    def kill_worker(self, index: int) -> int:
        raise BackendError(f"worker {index} is not a process")


class NoWorkers(RecordingServer):
    """A server without workers."""

    def workers(self) -> list[int]:
        return []


@pytest.mark.parametrize(
    ("server", "refusal"),
    [
        (RecordingServer(is_gone=True), "the server has gone"),
        (NoWorkers(), "the server's log names no worker"),
        (Threads(), "is not a process"),
    ],
)
def test_a_fault_by_hand_that_does_not_fit_is_refused_without_a_record(
    tmp_path: Path, server: RecordingServer, refusal: str
) -> None:
    with Asked(server) as run:
        assert refusal in run.asker.ask("kill-worker", None)
    assert (server.actions, run.records(tmp_path)) == ([], ())


def test_an_unknown_fault_by_hand_is_refused() -> None:
    with Asked(RecordingServer()) as run:
        assert "there is no such fault" in run.asker.ask("flood", None)


def test_a_fault_by_hand_that_another_rules_out_is_refused(tmp_path: Path) -> None:
    server = RecordingServer()
    with Asked(server, Fault(at="10m", fault="kill")) as run:
        assert "the scenario has a fault for which kill cannot begin then" in run.asker.ask(
            "pause", "40m"
        )
        assert run.asker.ask("pause", "1m") == ""
        assert "kill-worker cannot begin then: the pause at" in run.asker.ask("kill-worker", None)
    assert server.actions == ["pause", "resume"]
    assert len(run.records(tmp_path)) == 2


def test_faults_by_hand_are_as_limited_in_number_as_others(tmp_path: Path) -> None:
    with Asked(RecordingServer()) as run:
        answers = [run.asker.ask("kill-worker", None) for _ in range(MAX_FAULTS + 1)]
    assert answers[:-1] == [""] * MAX_FAULTS
    assert answers[-1] == "this run has had 20 faults, and no more are allowed"
    assert len(run.records(tmp_path)) == MAX_FAULTS


def test_a_fault_that_is_asked_for_before_the_load_is_refused(tmp_path: Path) -> None:
    server = RecordingServer()
    run = Asked(server)
    asked = in_background(lambda: run.asker.ask("pause", "1s"))
    assert select.select([run.end], [], [], DEADLINE_S)[0]
    with run:
        assert asked.result(DEADLINE_S) == NO_LOAD
    assert (server.actions, run.records(tmp_path)) == ([], ())


def test_a_fault_by_hand_that_fails_is_recorded_and_reported(tmp_path: Path) -> None:
    with Asked(Unexpected("pause")) as run:
        assert "NetworkSettings" in run.asker.ask("pause", "1s")
    (record,) = run.records(tmp_path)
    assert (record.is_by_hand, "NetworkSettings" in record.error) == (True, True)
