"""The process backend: the same programs as plain local processes."""
