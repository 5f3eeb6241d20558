"""Scenarios: from a YAML file to a validated scenario, and from there to cases and runs.

`yaml_document` reads the file and remembers where each part stood; `load` validates it and reports
every problem with line and column, such as an unknown key; `plan` lists the cases and runs.
"""
