"""The load to generate: profiles over time, distributions, and the order to the replicas."""
