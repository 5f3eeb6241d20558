"""The parts that all servers share: settings, listener, connections, event log, drain.

`service` begins the drain and stops accepting; `connection` decides the next step of a connection
(serve, settle, close), in a drain too; `blocking` and `nonblocking` carry it out.
"""
