"""``single``: one process, one thread, one connection at a time, from accept to close.

Excess connections wait in the kernel's accept queue: their ``connect`` has succeeded and their
messages may have arrived, but are not read yet.
One slow or silent client delays every other for as long as it stays.
"""

from labkit.server.program import main
from labkit.server.service import Service


def serve(service: Service) -> None:
    """Serve each connection to its end before the next is accepted."""
    service.listening(workers=1)
    for conn in service.connections():
        service.serve_connection(conn)


if __name__ == "__main__":
    main("single", serve)
