"""How well the rules of validity tell a disturbed run from a right one: ``python -m``."""
