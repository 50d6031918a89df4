"""`lag`: a measure per configured group or pattern."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.lag import LAG
from streamgauge.core.checks.policy import Measure, Subject
from streamgauge.core.lag import group_of_log
from streamgauge.model import Blind, CommittedOffsets, LogOffsets

LOG = LogOffsets("orders", {0: 0, 1: 0}, {0: 5_000, 1: 5_000}, 999_999)
AWAY = Blind("group a", 5, "not allowed to see it")
GONE = Blind("group b-1", 5, "not allowed to see it")


def group(*offsets, answered_ms=999_000):
    """A group with these commits on partitions 0 and 1."""
    committed = CommittedOffsets("g", "orders", dict(enumerate(offsets)), answered_ms)
    return group_of_log((0, 1), committed, LOG)


def groups():
    """Groups of every kind."""
    return {
        "a": group(5_000, 4_000),
        "b-1": group(5_000, 5_000),
        "b-2": group(2_000, 5_000),
        "b-3": group(1_000, None),
        "c": group(None, None),
        "d-new": group_of_log((0, 1), None, LOG),
        "d-old": group(4_000, 5_000, answered_ms=879_999),
        "d-aged": group(4_000, 5_000, answered_ms=880_000),
        "e": group(6_000, 6_000),
    }


def measured(snapshot):
    """The measure of the one group or pattern that is watched."""
    (watched,) = snapshot.watched_groups
    return LAG.measure(snapshot, Subject(snapshot.asset_key, watched))


@pytest.mark.parametrize(
    ("watched", "told", "value", "text", "blind"),
    [
        ("a", (), 1_000, "the lag of a is 1,000 records", None),
        ("a", (AWAY,), 1_000, "the lag of a is 1,000 records", AWAY),
        ("c", (), None, "c has no committed offset on orders", None),
        ("b-3", (), 4_000, "the lag of b-3 is 4,000 records",
         Blind("group b-3", 999_000, "its lag is not known on partition 1")),
        ("d-new", (), None, "the lag of d-new is not known",
         Blind("group d-new", 7, "its committed offsets were not answered yet")),
        ("d-old", (), 1_000, "the lag of d-old is 1,000 records",
         Blind("group d-old", 879_999, "its committed offsets were not answered since then")),
        ("d-aged", (), 1_000, "the lag of d-aged is 1,000 records", None),
        ("e", (), None, "the lag of e is not known",
         Blind("group e", 999_000, "its lag is not known on partition 0, 1")),
        ("x*", (), None, "no consumer group that the gauge may see matches x*", None),
        ("x*", (Blind("group x*", 5, "no listing yet"),), None,
         "no consumer group that the gauge may see matches x*",
         Blind("group x*", 5, "no listing yet")),
        ("b-[12]", (), 3_000, "the lag of b-2 is 3,000 records", None),
        ("b-[12]", (GONE,), 3_000, "the lag of b-2 is 3,000 records",
         Blind("group b-1", 5, "group b-1: not allowed to see it")),
        ("b-*", (GONE,), 4_000, "the lag of b-3 is 4,000 records",
         Blind("group b-3", 999_000, "group b-3: its lag is not known on partition 1")),
        ("[ac]", (), 1_000, "the lag of a is 1,000 records", None),
        ("[ad]*w", (), None, "the lag of d-new is not known",
         Blind("group d-new", 7, "group d-new: its committed offsets were not answered yet")),
        ("[bd]-[1n]*", (), 0, "the lag of b-1 is 0 records",
         Blind("group d-new", 7, "group d-new: its committed offsets were not answered yet")),
    ],
)  # fmt: skip
def test_measure(snapshot, watched, told, value, text, blind):
    """A pattern is judged by its worst group, and vouched for if all of its groups are."""
    now = snapshot(groups=groups(), watched_groups=(watched,), blind=told, life_start_ms=7)
    assert measured(now) == Measure(text, value, blind)


def test_of_equal_lags_the_unsure_one_is_worse(snapshot):
    """The sentence is about the group that the gauge is blind about."""
    both = {"b-1": group(5_000, 5_000), "b-2": group(5_000, None)}
    measure = measured(snapshot(groups=both, watched_groups=("b-*",)))
    assert (measure.value, "b-2" in measure.text, measure.blind.what) == (0, True, "group b-2")


def test_an_answer_from_ahead_of_the_clock_is_old(snapshot):
    """After the clock was set back nobody knows how old it is; blind since now at the latest."""
    for as_of_ms, blind in [
        (879_000, None),
        (878_999, Blind("group a", 878_999, "its committed offsets were not answered since then")),
    ]:
        now = snapshot(groups=groups(), watched_groups=("a",), as_of_ms=as_of_ms)
        measure = measured(now)
        assert (measure.value, measure.blind) == (1_000, blind)


def test_a_known_lag_is_worse_than_none(snapshot):
    """Also when the one without a commit comes first, and the known one is 0."""
    pair = {"a": group(None, None), "b": group(5_000, 5_000)}
    measure = measured(snapshot(groups=pair, watched_groups=("*",)))
    assert (measure.value, measure.text) == (0, "the lag of b is 0 records")
