"""What a campaign found, as people and programs read it: table, JUnit, HTML, schema.

Pure functions from values to text: no clock, no files but the template, no engine, no backend.
"""

from orchestrator.report.html import html_report
from orchestrator.report.junit import junit_xml
from orchestrator.report.table import print_table

__all__ = ["html_report", "junit_xml", "print_table"]
