"""`socketserver.ForkingTCPServer`: a new process for each connection."""

import socketserver

from benchmarks.peers.speech import BACKLOG, HOST, say_listening
from benchmarks.peers.threading_tcp import Conversation


class Server(socketserver.ForkingTCPServer):
    """The defaults, except for the backlog: with its 5, clients would wait for lost SYNs."""

    request_queue_size = BACKLOG


if __name__ == "__main__":
    with Server((HOST, 0), Conversation) as server:
        say_listening(server.server_address[1])
        server.serve_forever()
