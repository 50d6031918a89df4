"""`fresh`: what is measured as silence."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.fresh import FRESH
from streamgauge.core.checks.policy import Subject
from streamgauge.model import Blind

ORDERS = Subject(("kafka", "orders"), "orders")
BLIND = Blind("topic orders", 5, "absent")


@pytest.mark.parametrize(
    ("fields", "value", "said"),
    [
        ({"last_record_ms": 990_000}, 10.0, "10 s: the last record came at 1970-01-01T00:16:30Z"),
        ({"listening_since_ms": 400_000}, 600.0,
         "silent for 10 m: no record since the gauge began to listen at 1970-01-01T00:06:40Z"),
        ({"last_record_ms": 1_000_007}, 0.0, "silent for 0 ms"),
        ({"last_record_ms": 0, "listening_since_ms": 999_000}, 1.0,
         "silent for 1 s: no record since the gauge began to listen"),
        ({"last_record_ms": 999_000, "listening_since_ms": 999_000}, 1.0, "the last record came"),
    ],
)  # fmt: skip
def test_silence(snapshot, fields, value, said):
    """Since the newest record, else since listening began; never negative."""
    measure = FRESH.measure(snapshot(**fields), ORDERS)
    assert (measure.value, measure.blind) == (value, None)
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
    measure = FRESH.measure(snapshot(last_record_ms=990_000, blind=(blind,)), ORDERS)
    assert (measure.value, measure.blind) == (value, blind), why


def test_a_stream_never_seen_was_not_silent(snapshot):
    """Nothing was heard, so nothing was silent, whether or not anybody said why."""
    blind = Blind("topic orders", 400_000, "absent")
    measure = FRESH.measure(snapshot(listening_since_ms=None, blind=(blind,)), ORDERS)
    assert (measure.value, measure.blind) == (None, blind)
    measure = FRESH.measure(snapshot(listening_since_ms=None, life_start_ms=7), ORDERS)
    assert measure.value is None
    assert measure.blind == Blind("topic orders", 7, "it was not seen yet")


def test_blindness_goes_along(snapshot):
    """Only what concerns the stream's own topic."""
    measure = FRESH.measure(snapshot(blind=(Blind("topic dlq", 1, "x"), BLIND)), ORDERS)
    assert measure.blind == BLIND
