"""``prethreaded``: a fixed pool of threads in one process; each blocks in ``accept`` by itself.

Excess connections wait in the kernel's accept queue, which all threads share; the kernel wakes one
idle thread for each connection. There is no queue in the server: nothing is accepted early.
One slow client occupies one thread; as many slow clients as threads delay every other.
Only here no connection changes hands in the process: no queue, no lock and no second thread to
wake, which `threaded` pays for. The main thread waits for signals, and for the last thread.
"""

from functools import partial

from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.threads import join, serve_or_give_up, start_pool


def serve(service: Service) -> None:
    """Start the workers, and wait until the last has drained."""
    threads = start_pool(service, partial(_work, service))
    service.listening(service.settings.workers)
    join(threads)


def _work(service: Service, worker: int) -> None:
    """Accept and serve one connection after another, each to its end."""
    for conn in service.connections(worker):
        serve_or_give_up(service, conn, worker)
    service.log(worker).flush()


if __name__ == "__main__":
    main("prethreaded", serve)
