"""Expectations as expressions over measures: parsed, checked, evaluated; never ``eval``."""

from orchestrator.expressions.evaluate import Outcome
from orchestrator.expressions.expression import Expression, parse_expression
from orchestrator.expressions.syntax import ExpressionError

__all__ = ["Expression", "ExpressionError", "Outcome", "parse_expression"]
