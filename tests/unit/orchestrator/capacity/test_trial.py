"""What one trial says, as far as nothing else is known of it."""

import numpy as np

from orchestrator.capacity.trial import Lateness, Trial


def test_a_trial_without_a_twin_and_an_event_log_has_lateness_only() -> None:
    late = Lateness(np.array([False, True]))
    trial = Trial(load=200.0, seed=1, lateness={"p99 < 50ms": late})
    assert late.predicted is None
    assert (trial.margins, trial.utilization, trial.broken) == ({}, None, "")
