"""The load client and the conductor; imports labkit only."""
