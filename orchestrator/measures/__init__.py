"""What can be measured and expected: the registry, units, and the language of expressions."""
