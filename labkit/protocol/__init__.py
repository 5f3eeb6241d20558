"""The protocol without I/O: framing, sessions, demands, and the syntax of durations."""
