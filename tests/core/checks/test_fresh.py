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
        ({"life_start_ms": 400_000}, 600.0,
         "silent for 10 m: no record since the gauge began to watch at 1970-01-01T00:06:40Z"),
        ({"last_record_ms": 1_000_007}, 0.0, "silent for 0 ms"),
        ({"last_record_ms": 0, "life_start_ms": 999_000}, 1000.0, "silent for 16 m 40 s"),
    ],
)  # fmt: skip
def test_silence(snapshot, fields, value, said):
    """Since the newest record, else since watching began; never negative."""
    (measure,) = FRESH.measure(snapshot(**fields))
    assert (measure.value, measure.blind, measure.asset_key) == (value, None, ("kafka", "orders"))
    assert measure.text.startswith("orders has been silent for ")
    assert said in measure.text


@pytest.mark.parametrize(
    ("since_ms", "value", "why"),
    [
        (996_000, 6.0, "silence was heard up to when the gauge went blind"),
        (980_000, 0.0, "a record came since then, from what is still seen"),
        (1_000_001, 10.0, "never beyond now, whatever the clock did"),
    ],
)
def test_silence_that_nobody_listened_to_is_not_counted(snapshot, since_ms, value, why):
    """A broker that is away is no silent stream."""
    blind = Blind("topic orders", since_ms, "broker away")
    (measure,) = FRESH.measure(snapshot(last_record_ms=990_000, blind=(blind,)))
    assert (measure.value, measure.blind) == (value, blind), why


def test_a_stream_never_seen_was_not_silent(snapshot):
    """Blind since watching began: nothing was heard, so nothing was silent."""
    blind = Blind("topic orders", 400_000, "absent")
    (measure,) = FRESH.measure(snapshot(life_start_ms=400_000, blind=(blind,)))
    assert (measure.value, measure.blind) == (0.0, blind)


def test_blindness_goes_along(snapshot):
    """Only what concerns the stream's own topic."""
    (measure,) = FRESH.measure(snapshot(blind=(Blind("topic dlq", 1, "x"), BLIND)))
    assert measure.blind == BLIND
