"""The data that clients, conductor and orchestrator exchange: messages, progress, samples."""
