"""Findings as people and programs read them: HTML, terminal, JUnit, GitHub, OpenMetrics.

Functions from values to text: no clock, no engine, no backend.
"""
