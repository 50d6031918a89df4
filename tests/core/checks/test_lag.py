"""`lag`: a measure per configured group or pattern."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.lag import LAG
from streamgauge.core.lag import group_view
from streamgauge.model import Blind, CommittedOffsets, LogOffsets

LOG = LogOffsets("orders", {0: 0, 1: 0}, {0: 5_000, 1: 5_000}, 1)
AWAY = Blind("group a", 5, "not allowed to see it")


def group(*offsets):
    """A group with these commits on partitions 0 and 1."""
    return group_view((0, 1), CommittedOffsets("g", "orders", dict(enumerate(offsets)), 1), LOG)


GROUPS = {
    "a": group(5_000, 4_000),
    "b-1": group(5_000, 5_000),
    "b-2": group(2_000, 5_000),
    "b-3": group(1_000, None),
    "c": group(None, None),
}


@pytest.mark.parametrize(
    ("watched", "blind", "value", "text", "reason"),
    [
        ("a", (), 1_000, "the lag of a is 1,000 records", None),
        ("a", (AWAY,), 1_000, "the lag of a is 1,000 records", "not allowed to see it"),
        ("c", (), None, "c has no committed offset on orders", None),
        ("b-3", (), 4_000, "the lag of b-3 is 4,000", "of b-3 is not known on partitions [1]"),
        ("b-[12]", (), 3_000, "the lag of b-2 is 3,000 records", None),
        ("b-*", (), 4_000, "the lag of b-3 is 4,000 records", "not known on partitions [1]"),
        ("x*", (), None, "no consumer group matches x*", None),
        ("[ac]", (), 1_000, "the lag of a is", None),
    ],
)  # fmt: skip
def test_measure(snapshot, watched, blind, value, text, reason):
    """A pattern is judged by its worst group, which is named."""
    (measure,) = LAG.measure(snapshot(groups=GROUPS, watched_groups=(watched,), blind=blind))
    assert (measure.value, measure.name) == (value, watched)
    assert text in measure.text
    if reason is None:
        assert measure.blind is None
    else:
        assert reason in measure.blind.reason


def test_of_equal_lags_the_unsure_one_is_worse(snapshot):
    """A pattern does not pass on the strength of the group that is seen."""
    groups = {"b-1": group(5_000, 5_000), "b-2": group(5_000, None)}
    (measure,) = LAG.measure(snapshot(groups=groups, watched_groups=("b-*",)))
    assert (measure.value, "b-2" in measure.text, measure.blind is not None) == (0, True, True)


def test_every_configured_entry_has_its_own_check(snapshot):
    """In the configured order, nothing for groups that nobody asked for."""
    measures = LAG.measure(snapshot(groups=GROUPS, watched_groups=("c", "b-*")))
    assert [measure.name for measure in measures] == ["c", "b-*"]
    assert list(LAG.measure(snapshot(groups=GROUPS))) == []
