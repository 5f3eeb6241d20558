"""The load that is asked for: profiles over time, distributions, and the order to the replicas."""
