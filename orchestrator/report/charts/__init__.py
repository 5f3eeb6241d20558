"""The charts of the report, a module each: pure functions from values to shapes and a table.

A chart draws nothing itself: `orchestrator.report.charts.plot` says of what it is made, and one
template turns that into SVG.
"""
