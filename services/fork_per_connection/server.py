"""``fork_per_connection``: the parent accepts, and forks a child process for each connection.

Excess connections, beyond LAB_MAX_CHILDREN, wait in the kernel's accept queue: the parent does not
accept while no place is free.
One slow client occupies one child, which costs memory and no other client's time; as many slow
clients as LAB_MAX_CHILDREN delay every other. A child that dies loses its one connection.
Only here each connection pays for a process: a fork, an exit, and a parent that must reap it, or it
stays in the process table as a zombie.
"""

from labkit.server.arrivals import Arrivals
from labkit.server.children import AWAITED, Children
from labkit.server.pool import drain
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.settings import Whole

MAX_CHILDREN = Whole("max_children", default=256, low=1, high=1024, is_workers=True)
SETTINGS = (MAX_CHILDREN,)


def serve(service: Service) -> None:
    """Accept and fork while a place is free; return after the last child has drained."""
    arrivals = Arrivals(service, AWAITED)
    children = Children(service, MAX_CHILDREN)
    service.listening(MAX_CHILDREN.of(service.settings))
    while children.are_running or not service.draining:
        is_connected = arrivals.wait(children.retry_s, for_connections=children.have_room)
        for signum in arrivals.signals():
            drain(service, children, signum)
        children.reap()  # one SIGCHLD may stand for several deaths, signal(7)
        if is_connected and (conn := arrivals.accept()):
            children.start(conn)


if __name__ == "__main__":
    main("fork_per_connection", serve, SETTINGS)
