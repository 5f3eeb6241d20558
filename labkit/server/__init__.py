"""What every server does the same way: settings, listener, connections, event log, drain."""
