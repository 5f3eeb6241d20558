"""``prefork_pass``: the parent accepts, and passes each connection to a free worker process.

Excess connections wait in the kernel's accept queue: the parent does not accept while no worker is
free.
One slow client occupies one worker; as many slow clients as workers delay every other. A worker
that dies loses its one connection, and the parent forks another worker. SIGHUP replaces the
workers one at a time; each passes its connection on to its successor.
Only here the server chooses the worker, not the kernel: the free one with the lowest number. Each
connection pays for that with a message to the worker, a notice back, and two processes to wake.
"""

from functools import partial

from labkit.server.arrivals import Arrivals
from labkit.server.passing import Inlet, Passing
from labkit.server.pool import AWAITED, fork_worker, obey
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.supervisor import Supervisor


def serve(service: Service) -> None:
    """Pass connections to workers, replace each that dies; return after the last has drained."""
    passing = Passing()
    arrivals = Arrivals(service, AWAITED, passing.fileno())
    workers = Supervisor(service, partial(_fork_worker, passing))
    workers.start()
    service.listening(service.settings.workers)
    service.listener.setblocking(False)
    while workers.has_workers or not service.draining:
        has_room = passing.has_free and not service.draining
        is_connected = arrivals.wait(workers.wait_s(), for_connections=has_room)
        for signum in arrivals.signals():
            obey(service, workers, signum)
        workers.reap()  # one SIGCHLD may stand for several deaths, signal(7)
        workers.restart()
        passing.update(workers.missing)
        if service.draining:
            for passed in passing.untaken():
                service.serve_connection(service.resumed(passed), worker=0)  # which resets it
        elif is_connected and passing.has_free and (conn := arrivals.accept()):
            passing.pass_on(conn, service.log(0))


def _fork_worker(passing: Passing, service: Service, worker: int) -> int:
    inlet = passing.open_inlet(worker)
    return fork_worker(partial(_work, inlet), service, worker)


def _work(inlet: Inlet, service: Service, worker: int) -> None:
    """Serve one connection after another, each to its end."""
    service.take_from(inlet)
    for conn in service.connections(worker):
        service.serve_connection(conn, worker)


if __name__ == "__main__":
    main("prefork_pass", serve)
