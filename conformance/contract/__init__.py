"""The contract: what every server of the lab promises, as tests that never ask for its name."""
