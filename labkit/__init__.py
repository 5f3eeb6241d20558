"""What every container of the lab carries: four libraries, standard library only.

*protocol* is bytes and messages without I/O; *server* is what every model does the same way;
*workload* is which load is asked for, as pure functions; *wire* is how clients, conductor and
orchestrator talk and what samples look like. `timers` serves the event loops of both sides.
"""
