"""Servers with one defect each; ``REJECTED_BY`` names the contract test that finds the defect."""
