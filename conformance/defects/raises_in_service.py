"""Runs the server in its argument with a defect: the demand `cpu=250ms` raises an exception."""

import runpy
import sys

from labkit.protocol import work
from labkit.protocol.work import Demand

DEFECT = Demand("cpu", 0.25)


def perform(demand: Demand) -> None:
    """Fail for the demand of the defect; return at once for any other."""
    if demand == DEFECT:
        raise RuntimeError("planted defect")


if __name__ == "__main__":
    setattr(work, "perform", perform)  # noqa: B010
    runpy.run_module(sys.argv[1], run_name="__main__")
