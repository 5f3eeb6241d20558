"""A TCP proxy that misbehaves on request, between clients and a server; standard library only."""
