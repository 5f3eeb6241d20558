"""The contract as a tool: whether a server, whoever wrote it, is one of ours."""
