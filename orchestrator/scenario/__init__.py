"""Scenarios: from a YAML file to a validated scenario, and from there to cases and runs."""
