"""The folder of a run: its layout, its raw files as they were written, and the summary."""
