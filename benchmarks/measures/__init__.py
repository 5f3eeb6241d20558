"""What is measured, one module each: ``measure(effort)`` returns its tables."""
