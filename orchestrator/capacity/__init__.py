"""Searches the greatest load that each case of a scenario bears under given objectives.

A search chooses loads, `search`; a load is classified by short trials, `classify`; a trial is a run
of the scenario at that load, `trials`. All but the last are pure, so that searches are tried on
queues with known capacity.
"""
