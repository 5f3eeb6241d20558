"""Commands, options and output of ``orchestrate.py``: a command is a module."""
