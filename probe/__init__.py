"""Kernel metrics of a running server, sampled from within the server's own namespaces.

Standard library only and no imports from the lab, because it is sent into the server's container as
an argument of ``docker exec``. It only reads, and reports what it cannot read.
"""
