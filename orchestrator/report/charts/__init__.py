"""The charts of the report: pure functions from values to shapes and a table.

A chart draws nothing itself: `orchestrator.report.charts.plot` defines what it is made of, and one
template turns that into SVG.
"""
