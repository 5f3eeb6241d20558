"""The network links of containers of a swarm, cut as if a cable were pulled, and joined again.

Swarm does not put a container back on a network with the address that it had. So a program beside
each container, which its own engine starts in the container's network, makes its interface lose
what it sends and what it receives: without ARP, every frame is sent to an address that nobody has,
and frames that come are for another address than the interface has. No socket notices.
"""

import time
from collections.abc import Mapping, Sequence

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import PROJECT_LABEL
from orchestrator.execution.swarm.line_program import LineProgram, run_beside

START_DEADLINE_S = 20.0
ANSWER_DEADLINE_S = 5.0
READY, CUT, JOIN = "ready", "cut", "join"
LINK = """\
import fcntl, socket, struct, sys
GET_FLAGS, SET_FLAGS, GET_ADDRESS, SET_MAC, GET_MAC = 0x8913, 0x8914, 0x8915, 0x8924, 0x8927
NOARP, ETHER = 0x80, 1
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], 1))
own = socket.inet_aton(sock.getsockname()[0])
def ask(name, request, value=b""):
    return fcntl.ioctl(sock, request, struct.pack("16s24s", name.encode(), value))[16:]
def address(name):
    try:
        return ask(name, GET_ADDRESS)[4:8]
    except OSError:
        return b""
name = next(each for _, each in socket.if_nameindex() if address(each) == own)
mac = ask(name, GET_MAC)[2:8]
other = bytes([*mac[:5], mac[5] ^ 0xFF])
(flags,) = struct.unpack("H", ask(name, GET_FLAGS)[:2])
def put(is_cut):
    ask(name, SET_FLAGS, struct.pack("H", flags | NOARP if is_cut else flags))
    ask(name, SET_MAC, struct.pack("H6s", ETHER, other if is_cut else mac))
print("ready", flush=True)
try:
    for line in sys.stdin:
        put(line == "cut\\n")
        print(line, end="", flush=True)
finally:
    put(False)
"""


class Link:
    """The link of ``container`` to the network on which it finds the container ``peer``.

    A program is beside it from now on; `close` ends it, and so does the end of this process, and
    the link is joined then. ``send`` tells it `CUT` or `JOIN`, which `receive` waits for.
    ``environment`` are variables with which the docker command reaches the container's engine.
    """

    def __init__(self, container: Container, peer: str, environment: Mapping[str, str]) -> None:
        words = run_beside(container.labels[PROJECT_LABEL])
        words += ["--user", "0:0", "--cap-add", "NET_ADMIN", "--entrypoint", "python3"]
        words += ["--network", f"container:{container.id}", container.attrs["Image"]]
        self._program = LineProgram([*words, "-I", "-S", "-c", LINK, peer], environment)
        self.send, self.close = self._program.send, self._program.close

    def receive(self, word: str, deadline_s: float) -> None:
        """Wait until the program has done ``word``.

        Raises:
            BackendError: it has not within ``deadline_s``; with what it printed instead.
        """
        try:
            self._program.read_until(lambda text: text.endswith(f"{word}\n"), deadline_s)
        except BackendError as exc:
            raise BackendError(f"the link of a container ({word}): {exc}") from exc


class Links:
    """The links of several containers, which are cut and joined together."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links

    def wait_until_ready(self) -> None:
        """Wait until each can be cut at once.

        Raises:
            BackendError: one cannot.
        """
        self._receive(READY, START_DEADLINE_S)

    def cut(self) -> int:
        """Cut them, and return the instant from which all were.

        Raises:
            BackendError: one was not.
        """
        return self._put(CUT)

    def join(self) -> None:
        """Join them.

        Raises:
            BackendError: one was not joined.
        """
        self._put(JOIN)

    def _put(self, word: str) -> int:
        for link in self._links:
            link.send(word)
        self._receive(word, ANSWER_DEADLINE_S)
        return time.monotonic_ns()

    def _receive(self, word: str, deadline_s: float) -> None:
        ends_s = time.monotonic() + deadline_s
        for link in self._links:
            link.receive(word, max(ends_s - time.monotonic(), 0.0))

    def close(self) -> None:
        """Join them, and end their programs."""
        for link in self._links:
            link.close()
