"""The contract as a tool: is that server, whoever wrote it, one of ours?"""
