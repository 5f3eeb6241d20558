"""The Docker backend: each case in containers of a Compose project of its own."""
