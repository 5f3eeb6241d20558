"""The protocol without I/O: framing, sessions, demands, and the values that people write."""
