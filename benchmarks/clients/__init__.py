"""Clients that put the same load on a server: the lab's own, and what it is compared with.

``python -m benchmarks.clients.<name> PORT USERS MESSAGES``: each user keeps one message in flight
until it has sent ``MESSAGES``. All keep, for each message, when it was sent and when acknowledged.
"""
