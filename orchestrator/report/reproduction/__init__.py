"""The claims of the field, tried here, in a terminal, as a page, and for CI: values to text."""
