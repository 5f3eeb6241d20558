"""The measures: their registry, their units, and the language of expressions about them."""
