"""Several engines: the hosts of a Docker Swarm, by the hosts file."""
