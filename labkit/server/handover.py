"""Passes connections from a worker process that leaves to the next one that starts, or to others.

A connection stays established meanwhile: the kernel keeps it, with the bytes that arrive, in a
queue between the processes (SCM_RIGHTS, unix(7)). Its client notices nothing.
"""

import json
import os
import socket

from labkit.server.connection import Connection, State

_MOST_BYTES = 1 << 18  # of one state; above the kernel's limit for what is sent


class Handover:
    """The queue of a server's processes; made before they are forked, so that all share it."""

    def __init__(self) -> None:
        self._entrance, self._exit = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._entrance.setblocking(False)
        self._exit.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable if the queue is not empty."""
        return self._exit.fileno()

    def give(self, conn: Connection) -> bool:
        """Put ``conn`` into the queue and forget it; return False if it does not fit.

        Call it between two messages only: acknowledgements that are owed do not go with it.
        """
        *head, rest = conn.state
        message = json.dumps(head).encode() + b"\n" + rest
        try:
            socket.send_fds(self._entrance, [message], [conn.sock.fileno()])
        except OSError:
            return False
        conn.forget()
        return True

    def take(self) -> tuple[socket.socket, State] | None:
        """Return the oldest connection of the queue, None if it is empty. Does not block.

        Raises:
            OSError: no descriptor is left for it, so it stays in the queue; or this was closed.
        """
        # A message that comes without a descriptor for its connection has lost it, unix(7).
        os.close(os.dup(self._exit.fileno()))
        try:
            message, descriptors, _, _ = socket.recv_fds(self._exit, _MOST_BYTES, 1)
        except BlockingIOError:
            return None
        head, _, rest = message.partition(b"\n")
        conn_id, acked, active_ns, received_ns = json.loads(head)
        state = State(conn_id, acked, active_ns, received_ns, rest)
        return socket.socket(fileno=descriptors[0]), state

    def close(self) -> None:
        """Close both ends; the kernel resets what is in the queue."""
        self._entrance.close()
        self._exit.close()
