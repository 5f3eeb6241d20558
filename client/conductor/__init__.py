"""The conductor of an orchestrated run: the registry of its replicas, and their common start."""
