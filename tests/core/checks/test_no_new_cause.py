"""`no_new_cause`: causes that this life had not seen before, by their names."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.no_new_cause import NO_NEW_CAUSE
from streamgauge.core.checks.policy import Subject
from streamgauge.core.snapshot import CauseView, DeadLetterTopicView
from streamgauge.core.totals import Totals
from streamgauge.model import Blind

DLQ = Subject(("kafka", "dlq"), "dlq")


def cause(error_class, group="billing", *, first_ms=5, is_new=True):
    """A cause with one recent dead letter."""
    return CauseView("0" * 16, group, error_class, None, 1, first_ms=first_ms, is_new=is_new)


@pytest.fixture
def measured(snapshot):
    """The measure of a topic with so many new causes, of which these are shown."""

    def measure(new, *causes, **fields):
        view = DeadLetterTopicView(
            "dlq", DLQ.asset_key, Totals(), 1, 5, causes=causes, new_causes=new
        )
        return NO_NEW_CAUSE.measure(snapshot(dead_letters=(view,), **fields), DLQ)

    return measure


OLD = cause("OldException", first_ms=99, is_new=False)
INVALID = cause("InvalidAmountException")
NAMELESS = cause("unclassified", None, first_ms=6)


@pytest.mark.parametrize(
    ("new", "causes", "text"),
    [
        (0, (OLD,), "no new cause on dlq within 1 m"),
        (1, (OLD, INVALID),
         "`InvalidAmountException` of group `billing` was never seen before in this life"),
        (2, (INVALID, NAMELESS),
         ("`unclassified` and `InvalidAmountException` of group `billing`"
          " were never seen before in this life")),
        (12, (INVALID, NAMELESS, cause("A", None, first_ms=2), cause("B", None, first_ms=7)),
         ("`B`, `unclassified`, `InvalidAmountException` of group `billing` and 9 more"
          " were never seen before in this life")),
        (1, (OLD,), "1 cause on dlq was never seen before in this life"),
        (1_200, (), "1,200 causes on dlq were never seen before in this life"),
    ],
)  # fmt: skip
def test_the_newest_are_named(measured, new, causes, text):
    """Three at most, the newest first, and how many more there are."""
    measure = measured(new, *causes)
    assert (measure.value, measure.text, measure.blind) == (new, text, None)


def test_names_of_groups_are_cut_and_stay_on_their_line(measured):
    """They come from headers."""
    text = measured(2, cause("E", "g" * 9_000), cause("F", "a`\nb", first_ms=4)).text
    assert text == (
        f"`E` of group `{'g' * 63}…` and `F` of group `a??b` were never seen before in this life"
    )


def test_blindness_about_its_topic_goes_along(measured):
    """That of another one does not matter."""
    own, other = Blind("topic dlq", 1, "absent"), Blind("topic orders", 1, "absent")
    assert measured(0, blind=(other, own)).blind == own
    assert measured(0, blind=(other,)).blind is None
