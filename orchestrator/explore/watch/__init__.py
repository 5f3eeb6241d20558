"""A server that one drives by hand, and its lanes of the last half minute.

`child` and `server` run it and read its event log, `narration` understands the lines, `window`
keeps what they say of the last seconds, `accept_queue` knows who waits in the kernel, `drawing`
draws all that, and `tab` shows it.
"""
