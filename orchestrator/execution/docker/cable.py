"""The virtual cable of a container, as the kernel of this host shows it: when it is unplugged.

The engine takes 50 to 100 ms to take a container off its network, and the cable is dead after 10 to
40 ms of them. Without a view of the cable (an engine elsewhere, a container without ``cat``), a
fault counts as in effect when the engine has finished.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from docker.models.containers import Container

from orchestrator.execution.background import in_background

INTERFACES = Path("/sys/class/net")  # sysfs-class-net of the kernel's ABI documentation
PEERS = ["cat", "/sys/class/net/eth0/iflink"]
POLL_S = 0.001


def find_cable(container: Container) -> Path | None:
    """Return the host's end of the container's cable, None if it cannot be found."""
    exit_code, output = container.exec_run(PEERS)
    peer = bytes(output).decode("ascii", errors="replace").strip()  # type: ignore[arg-type]
    for interface in INTERFACES.iterdir() if exit_code == 0 else ():
        with contextlib.suppress(OSError):  # it has just gone
            if interface.name.startswith("veth") and _read(interface / "ifindex") == peer:
                return interface
    return None


def unplug(cable: Path | None, disconnect: Callable[[], object]) -> int:
    """Call ``disconnect``, and return the instant at which ``cable`` was dead."""
    if cable is None or not is_plugged(cable):
        disconnect()
        return time.monotonic_ns()
    call = in_background(disconnect)
    while is_plugged(cable) and not call.done():
        time.sleep(POLL_S)
    dead_ns = time.monotonic_ns()
    call.result()
    return dead_ns


def is_plugged(cable: Path) -> bool:
    """Return whether the cable has a carrier; one that is gone has none."""
    try:
        return _read(cable / "carrier") == "1"
    except OSError:
        return False


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()
