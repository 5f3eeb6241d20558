"""A loopback interface for the bench alone: no firewall rules, no connection tracking.

Docker's rules make the kernel track every connection on the host's loopback for two minutes, closed
ones too. That taxes each packet and, after some 10 s of short connections, fills the table: then
the kernel drops packets and the load stands still.
"""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000  # unshare(2)
SIOCSIFFLAGS = 0x8914  # netdevice(7)
IFF_UP = 1


def have_own_loopback() -> bool:
    """Move this process and all that it starts to a new network; return whether that worked.

    Root may; others where the kernel lets them have a user namespace.
    """
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        return False
    with socket.socket() as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    return True
