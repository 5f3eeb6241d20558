"""One run on a backend: start server and clients, drive the load, inject the faults."""
