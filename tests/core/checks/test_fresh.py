"""`fresh`: what is measured as silence."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.fresh import FRESH
from streamgauge.model import Blind

BLIND = Blind("topic orders", 5, "absent")


@pytest.mark.parametrize(
    ("fields", "value", "said"),
    [
        ({"last_record_ms": 990_000}, 10.0, "10 s: the last record came at 1970-01-01T00:16:30Z"),
        ({"life_start_ms": 400_000}, 600.0, "silent for 10 m: no record since the gauge began"),
        ({"last_record_ms": 1_000_007}, 0.0, "silent for 0 ms"),
        ({"last_record_ms": 0, "life_start_ms": 999_000}, 1000.0, "silent for 16 m 40 s"),
    ],
)  # fmt: skip
def test_silence(snapshot, fields, value, said):
    """Since the newest record, else since watching began; never negative."""
    (measure,) = FRESH.measure(snapshot(**fields))
    assert (measure.value, measure.blind, measure.asset_key) == (value, None, ("kafka", "orders"))
    assert said in measure.text


def test_blindness_goes_along(snapshot):
    """Only what concerns the stream's own topic."""
    (measure,) = FRESH.measure(snapshot(blind=(Blind("topic dlq", 1, "x"), BLIND)))
    assert measure.blind == BLIND
