"""`dead_letter_share`: dead letters of the last window for a hundred records of the stream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.dead_letter_share import DEAD_LETTER_SHARE
from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.policy import Subject
from streamgauge.core.checks.reported import ReportedCheck
from streamgauge.core.snapshot import DeadLetterTopicView, Window
from streamgauge.core.totals import Totals
from streamgauge.model import Blind, Level

DLQ = Subject(("kafka", "dlq"), "dlq")
NOT_SEEN = "a part of the partitions was not seen in the last window"
NOT_ENDED = "the first window has not ended yet"
AWAY = Blind("topic dlq", 3, "it does not exist")


def window(completeness=1.0, **totals):
    """The minute before the snapshot."""
    return Window(940_000, 1_000_000, Totals(**totals), completeness)


@pytest.fixture
def stream(snapshot):
    """A stream with so many records and dead letters in the last window."""

    def make(records, letters, completeness=1.0, **fields):
        view = DeadLetterTopicView("dlq", DLQ.asset_key, Totals(dead_letters=999), 0, None)
        if letters is not None:
            view = replace(view, last_window=window(dead_letters=letters))
        came = None if records is None else window(completeness, records=records, dead_letters=50)
        return snapshot(last_window=came, dead_letters=(view,), life_start_ms=7, **fields)

    return make


@pytest.mark.parametrize(
    ("records", "letters", "value", "text"),
    [
        (1_000, 12, 1.2,
         "12 dead letters arrived on dlq in the last window, 1.2 % of 1,000 records"),
        (3, 1, pytest.approx(100 / 3),
         "1 dead letter arrived on dlq in the last window, 33.333 % of 3 records"),
        (1, 4, 400, "4 dead letters arrived on dlq in the last window, 400 % of 1 record"),
        (5, 0, 0, "0 dead letters arrived on dlq in the last window, 0 % of 5 records"),
        (0, 0, None, "orders had no record in the last window"),
        (0, 2, None,
         ("2 dead letters arrived on dlq in the last window, and no record on orders:"
          " of how many they are is not known")),
    ],
)  # fmt: skip
def test_share(stream, records, letters, value, text):
    """Of this topic alone; of no record there is none, and nothing is divided by it."""
    measure = DEAD_LETTER_SHARE.measure(stream(records, letters), DLQ)
    assert (measure.value, measure.text) == (value, text)
    assert (measure.blind is not None) == (records == 0 and letters > 0)


@pytest.mark.parametrize(
    ("records", "letters", "completeness", "blind", "told"),
    [
        (None, None, 1.0, (), Blind("topic orders", 7, NOT_ENDED)),
        (9, None, 1.0, (), Blind("topic dlq", 7, NOT_ENDED)),
        (9, 1, 0.5, (), Blind("topic orders", 940_000, NOT_SEEN)),
        (9, 1, None, (AWAY,), AWAY),
        (9, 1, 1.0, (AWAY,), None),
    ],
)
def test_blindness_is_that_of_the_window(stream, records, letters, completeness, blind, told):
    """What is away now was there when the window ended, or it was not complete."""
    now = stream(records, letters, completeness, blind=blind)
    assert DEAD_LETTER_SHARE.measure(now, DLQ).blind == told


@pytest.mark.parametrize(
    ("records", "letters", "completeness", "level"),
    [
        (100, 1, 1.0, Level.PASS),
        (100, 2, 1.0, Level.WARN),
        (100, 6, 1.0, Level.FAIL),
        (0, 6, 1.0, Level.UNKNOWN),
        (0, 0, 1.0, Level.PASS),
        (100, 6, 0.5, Level.UNKNOWN),
        (100, 0, 0.5, Level.UNKNOWN),
    ],
)
def test_records_that_were_not_seen_do_not_make_it_fail(
    stream, records, letters, completeness, level
):
    """After a start dead letters may be read before the records of the stream are."""
    check = ReportedCheck(DEAD_LETTER_SHARE, DEAD_LETTER_SHARE.default, DLQ)
    (verdict,) = Evaluation([check]).evaluate(stream(records, letters, completeness))
    assert verdict.level is level
