"""The registered checks and their defaults."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.model import Level


@pytest.mark.parametrize(
    ("name", "warn", "fail", "keep_failing_for_ms", "on_no_data"),
    [
        ("no_dead_letters", None, Limit(above=0), 600_000, Level.UNKNOWN),
        ("no_new_cause", Limit(above=0), None, 600_000, Level.UNKNOWN),
        ("dead_letter_share", Limit(above=1), Limit(above=5), 0, Level.PASS),
        ("fresh", Limit(above=300), Limit(above=900), 0, Level.UNKNOWN),
        ("arrival_age", Limit(above=60, for_ms=60_000), Limit(above=300, for_ms=120_000), 0,
         Level.PASS),
        ("lag", Limit(above=10_000, for_ms=300_000), Limit(above=100_000, for_ms=120_000), 120_000,
         Level.UNKNOWN),
        ("throughput", None, None, 0, Level.UNKNOWN),
        ("data_loss", None, Limit(above=0), 600_000, Level.PASS),
        ("group_status", Limit(above=0), Limit(above=2), 120_000, Level.UNKNOWN),
        ("time_lag", Limit(above=60, for_ms=300_000), Limit(above=300, for_ms=120_000), 120_000,
         Level.UNKNOWN),
        ("processed_age", Limit(above=60, for_ms=300_000), Limit(above=300, for_ms=120_000),
         120_000, Level.PASS),
        ("forecast", Limit(below=120, for_ms=30_000), None, 120_000, Level.PASS),
    ],
)  # fmt: skip
def test_defaults(name, warn, fail, keep_failing_for_ms, on_no_data):
    """What is demanded if nobody says; changing it is a change for users."""
    (check,) = [check for check in CHECKS if check.name == name]
    assert check.default == Policy(warn, fail, keep_failing_for_ms, on_no_data)
    assert check.description.endswith(".")
