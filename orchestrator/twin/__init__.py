"""The queueing twin: what theory says that a load comes to on a model, request by request.

A simulation of discrete events beside the closed formulas of textbooks. No sockets, no clock, no
files; the same inputs give the same instants. See docs/twin.md for what is assumed.
"""
