"""The lab's client, as a replica runs it: with all samples and counts."""

import socket
import sys

from benchmarks.clients.result import Account
from client.load import make_loop
from client.task import Task
from labkit.workload.load_order import CLOSED, GroupOrder, Share

TIMEOUT_S = 60.0


def task_of(port: int, group: GroupOrder) -> Task:
    """Return the whole load of ``group``, for a server on the loopback."""
    share = Share(0, 0, group, f"127.0.0.1:{port}", seed=0, timeout_s=TIMEOUT_S)
    return Task(socket.AF_INET, ("127.0.0.1", port), share)


def main(port: int, users: int, messages: int) -> None:
    """Run the load and print its figures."""
    group = GroupOrder("clients", 1, CLOSED, initial=users, messages=messages)
    load = make_loop(task_of(port, group))
    account = Account()
    load.run(account.begun_ns)
    counts = load.recorder.counts
    account.say(counts["acked"], counts["failed"] + counts["unsent"] + counts["in_flight"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
