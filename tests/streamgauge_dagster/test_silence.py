"""From when on a gauge that reports nothing is silent."""

import pytest

from streamgauge.config.sinks import Dagster
from streamgauge_dagster.silence import report_period_ms, silent_after_ms


@pytest.mark.parametrize(
    ("section", "period_ms", "silent_ms"),
    [
        (None, 300_000, 900_000),
        ({}, 300_000, 900_000),
        ({"report_every": "1h"}, 3_600_000, 10_800_000),
        ({"report_every": "1s"}, 1_000, 60_000),
    ],
)
def test_three_report_periods_and_at_least_a_minute(section, period_ms, silent_ms):
    """Without the section the gauge has it from its environment: the default period counts."""
    dagster = None if section is None else Dagster(base_url="http://localhost:3000", **section)
    assert report_period_ms(dagster) == period_ms
    assert silent_after_ms(period_ms) == silent_ms
