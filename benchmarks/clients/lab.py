"""The lab's client, as a replica runs it: all samples kept, the books balanced."""

import socket
import sys

from benchmarks.clients.result import Account
from client.load import Load
from client.task import Task
from client.user import Script


def main(port: int, users: int, messages: int) -> None:
    """Run the load and say what came of it."""
    task = Task(socket.AF_INET, ("127.0.0.1", port), Script(messages), users)
    load = Load(task)
    account = Account()
    load.run(account.begun_ns)
    counts = load.books.counts
    account.say(counts["acked"], counts["failed"] + counts["unsent"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
