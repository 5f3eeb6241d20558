"""What the kernel knows of a server while it runs, told from within the server's own namespaces.

Standard library only, for it runs in the server's container. Reads, and changes nothing; what it
cannot read it names. Judges nothing: that is for the analysis.
"""
