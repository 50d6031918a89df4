"""`data_loss`: what retention took from a group before it was read."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.data_loss import DATA_LOSS
from streamgauge.model import Blind, LagBound


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        (0, "retention deleted 0 records within 1 m that a had not read"),
        (1, "retention deleted 1 record within 1 m that a had not read"),
        (1_200, "retention deleted 1,200 records within 1 m that a had not read"),
    ],
)
def test_measure(group, measure, lost, text):
    """Also while the gauge is blind: what is lost stays lost."""
    for blind in (None, Blind("group a", 5, "not allowed to see it")):
        told = () if blind is None else (blind,)
        measured = measure(DATA_LOSS, "a", {"a": group(lost_recently=lost)}, blind=told)
        assert (measured.text, measured.value, measured.blind) == (text, lost, blind)


def test_a_group_that_never_committed_has_nothing_to_lose(part, group, measure):
    """Nobody knows from where it would have read; what it lost before it was deleted counts."""
    nowhere = {0: part(None, LagBound.UNKNOWN, committed=None)}
    measured = measure(DATA_LOSS, "a", {"a": group(partitions=nowhere)})
    assert (measured.text, measured.value) == ("a has no committed offset on orders", None)
    assert measure(DATA_LOSS, "a", {"a": group(partitions=nowhere, lost_recently=3)}).value == 3


def test_a_pattern_has_lost_what_the_worst_group_has(group, measure):
    """Which is named."""
    groups = {"b-1": group(lost_recently=2), "b-2": group(lost_recently=3), "b-3": group()}
    measured = measure(DATA_LOSS, "b-*", groups)
    assert measured.text == "retention deleted 3 records within 1 m that b-2 had not read"
