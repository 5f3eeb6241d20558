"""`socketserver.ThreadingTCPServer`: a new thread for each connection."""

import socketserver

from benchmarks.peers.speech import BACKLOG, HOST, RECV_BYTES, Speech, say_listening


class Conversation(socketserver.BaseRequestHandler):
    """One connection, served to its end."""

    def handle(self) -> None:
        """Answer until the peer leaves."""
        speech = Speech()
        try:
            while not speech.is_over and (segment := self.request.recv(RECV_BYTES)):
                self.request.sendall(speech.answer(segment))
        except ConnectionError:
            pass


class Server(socketserver.ThreadingTCPServer):
    """The defaults, except for the backlog: with its 5, clients would wait for lost SYNs."""

    request_queue_size = BACKLOG
    daemon_threads = True


if __name__ == "__main__":
    with Server((HOST, 0), Conversation) as server:
        say_listening(server.server_address[1])
        server.serve_forever()
