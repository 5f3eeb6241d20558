"""Runs the server that its argument names, where `cpu=250ms` raises what nobody expects."""

import runpy
import sys

from labkit.protocol import work
from labkit.protocol.work import Demand

DEFECT = Demand("cpu", 0.25)


def perform(demand: Demand) -> None:
    """Do nothing, or fail."""
    if demand == DEFECT:
        raise RuntimeError("planted defect")


if __name__ == "__main__":
    setattr(work, "perform", perform)  # noqa: B010
    runpy.run_module(sys.argv[1], run_name="__main__")
