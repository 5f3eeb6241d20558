"""`gevent.server.StreamServer`: a greenlet a connection, written as if it blocked."""

import socket

from gevent.server import StreamServer

from benchmarks.peers.speech import BACKLOG, HOST, RECV_BYTES, Speech, say_listening


def converse(conn: socket.socket, _address: object) -> None:
    """Serve one connection to its end; the server closes it."""
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    speech = Speech()
    try:
        while not speech.is_over and (segment := conn.recv(RECV_BYTES)):
            conn.sendall(speech.answer(segment))
    except ConnectionError:
        pass


if __name__ == "__main__":
    server = StreamServer((HOST, 0), converse, backlog=BACKLOG)
    server.start()
    say_listening(server.server_port)
    server.serve_forever()
