"""A campaign: run or analyse again all cases of a scenario, judge them, compare them."""
