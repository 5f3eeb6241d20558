"""The result of a capacity search in a terminal, as a page, and for CI: values in, text out."""
