"""Servers that a Python engineer would pick, on the protocol of the lab; see `benchmarks`.

Each is the shortest good use of its framework: framing, order, ``goodbye``; no limits, no demands,
no log, no drain. That is less work than the lab's own servers do, so comparisons err against these.
"""
