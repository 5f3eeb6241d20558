"""The servers and the client of the lab beside their peers: same load, same cores, one run."""
