"""A TCP proxy between clients and a server that injects network faults, like toxiproxy."""
