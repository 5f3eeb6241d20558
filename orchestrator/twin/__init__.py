"""The queueing twin: a simulation of a load on a model, request by request, and closed formulas.

No sockets, clock or files; the same inputs give the same instants. docs/twin.md has the
assumptions.
"""
