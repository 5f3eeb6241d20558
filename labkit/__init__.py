"""The code that every container of the lab carries: four libraries, standard library only.

*protocol*: framing, sessions and demands, without I/O. *server*: what every model does the same
way. *workload*: the load over time, as pure functions. *wire*: the messages between clients,
conductor and orchestrator, and the format of samples. `timers` and `readiness` serve the event
loops of server and client.
"""
