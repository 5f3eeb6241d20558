"""A network namespace for a test: with settings of the kernel and counters of its own."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # linux/sockios.h, linux/if.h
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def network_namespace(**sysctls: int) -> Iterator[None]:
    """Move this thread, and what it starts, into a new network namespace with loopback.

    ``sysctls`` are files of ``/proc/sys/net/ipv4``. It skips the test if that is not allowed.
    """
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        if _libc.unshare(_CLONE_NEWNET):
            pytest.skip(
                f"a network namespace takes CAP_SYS_ADMIN: {os.strerror(ctypes.get_errno())}"
            )
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
            for name, value in sysctls.items():
                Path("/proc/sys/net/ipv4", name).write_text(str(value), encoding="ascii")
            yield
        finally:
            assert not _libc.setns(before.fileno(), _CLONE_NEWNET)
