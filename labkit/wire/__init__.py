"""What clients, conductor and orchestrator send each other: messages, progress, samples."""
