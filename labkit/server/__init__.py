"""The parts that all servers share: settings, listener, connections, event log, drain."""
