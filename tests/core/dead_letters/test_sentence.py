"""The sentence about the dead letters of late."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.dead_letters.recent_causes import RecentCauses
from streamgauge.core.dead_letters.sentence import dead_letters_sentence
from streamgauge.core.snapshot import CauseView, DeadLetterTopicView
from streamgauge.core.totals import Totals


def cause(recent, error_class="X", reason=None, group="billing", **fields):
    """A cause of which a message is known."""
    return CauseView("0" * 16, group, error_class, "told nowhere", recent, reason=reason, **fields)


def told(*causes, recent=None, **fields):
    """The sentence of a topic with these causes."""
    view = DeadLetterTopicView(
        topic="dlq",
        asset_key=("dlq",),
        totals=Totals(),
        recent=sum(each.recent for each in causes) if recent is None else recent,
        last_arrival_ms=None,
        causes=causes,
        **fields,
    )
    return dead_letters_sentence(view, 60_000)


OUTAGE = cause(13, "SocketTimeoutException", "looks like an outage: 13 keys, one cause")
POISON = cause(1, "InvalidAmountException", "poison: orders-2@4711, third time")
BATCH = cause(22, "NPE", "one burst orders-0@5 to @26, as of a batch that died as a whole")


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        (
            told(OUTAGE, POISON),
            ("14 dead letters in 1 m from group `billing`: `SocketTimeoutException` (13, looks "
            "like an outage: 13 keys, one cause), `InvalidAmountException` (1, poison: "
            "orders-2@4711, third time)"),
        ),
        (
            told(BATCH),
            ("22 dead letters in 1 m from group `billing`: `NPE` (22, one burst orders-0@5 to @26, "
            "as of a batch that died as a whole)"),
        ),
        (told(), "no dead letter in 1 m"),
        (told(cause(0, total=7)), "no dead letter in 1 m"),
        (told(retrying_recent=12), "no dead letter in 1 m; 12 are being tried again"),
        (
            told(cause(1), retrying_recent=1),
            "1 dead letter in 1 m from group `billing`: `X` (1); 1 more is being tried again",
        ),
        (
            told(cause(2), retrying_recent=1_200),
            ("2 dead letters in 1 m from group `billing`: `X` (2); "
            "1,200 more are being tried again"),
        ),
        (
            told(cause(1), cause(2, "Y", group="search")),
            "3 dead letters in 1 m: `Y` of `search` (2), `X` of `billing` (1)",
        ),
        (
            told(cause(1, group=None), cause(2, "Y", group="search")),
            "3 dead letters in 1 m: `Y` of `search` (2), `X` (1)",
        ),
        (told(cause(1, group=None)), "1 dead letter in 1 m: `X` (1)"),
        (
            told(cause(4, "unclassified", group=None)),
            "4 dead letters in 1 m: unclassified (4)",
        ),
        (
            told(*(cause(number, f"C{number}") for number in range(1, 9)), cause(0, "old")),
            ("36 dead letters in 1 m from group `billing`: `C8` (8), `C7` (7), `C6` (6), `C5` (5), "
            "`C4` (4), and 3 more causes (6)"),
        ),
        (
            told(*(cause(1, f"C{number}") for number in range(6))),
            ("6 dead letters in 1 m from group `billing`: `C0` (1), `C1` (1), `C2` (1), `C3` (1), "
            "`C4` (1), and 1 more cause (1)"),
        ),
        (
            told(*(cause(1, f"C{number}") for number in range(6)), recent=1_009),
            ("1,009 dead letters in 1 m: `C0` of `billing` (1), `C1` of `billing` (1), "
            "`C2` of `billing` (1), `C3` of `billing` (1), `C4` of `billing` (1), "
            "and at least 1 more cause (1,004)"),
        ),
        (
            told(cause(2), recent=5),
            "5 dead letters in 1 m: `X` of `billing` (2), and 3 of other causes",
        ),
        (told(recent=5), "5 dead letters in 1 m"),
        (
            told(cause(1, "a`b\n", group="g" * 99)),
            f"1 dead letter in 1 m from group `{'g' * 63}…`: `a?b?` (1)",
        ),
    ],
)  # fmt: skip
def test_sentences(sentence, text):
    """Whole sentences; the message of a cause is in none."""
    assert sentence == text
    assert "told nowhere" not in sentence


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C", None]),
            st.sampled_from(["g", "h", None]),
            st.integers(0, 30),
            st.text(max_size=2),
        ),
        min_size=1,
        max_size=200,
    )
)
def test_counts_add_up(died):
    """Whatever died: no message is told, and no dead letter is missing."""
    causes = RecentCauses(60_000)
    for place, (error_class, group, offset, message) in enumerate(died):
        said = DeadLetter(
            dialect=Dialect.SPRING,
            original_topic="orders",
            original_partition=0,
            original_offset=offset,
            consumer_group=group,
            error_class=error_class,
            message=f"secret{message}",
            failed_at=place,
        )
        causes.add(Letter(said, 0, place, place, offset % 3 or None, None, None), place)
    views = causes.views(1_000, {})
    sentence = told(*views, recent=len(died), other_recent=causes.other_recent(1_000))
    counts = re.findall(r"(?:`|unclassified|causes?) \((\d+)|and (\d+) of other", sentence)
    assert sum(int(one or other) for one, other in counts) == len(died)
    assert "secret" not in sentence
