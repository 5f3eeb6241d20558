"""Where the servers and clients of a case run: containers, or plain local processes."""
