"""What each answer to a commit or a read of slots means, and how commits are split."""

import pytest
from aiokafka.protocol.commit import OffsetCommitResponse_v3, OffsetFetchResponse_v3

from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.slots import Fate, Slot, portions, read_fates, read_slots


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        (0, Fate.STORED),
        (22, Fate.FENCED),
        (25, Fate.FENCED),
        (82, Fate.FENCED),
        (27, Fate.REBALANCING),
        (14, Fate.LATER),
        (15, Fate.IN_DOUBT),
        (16, Fate.IN_DOUBT),
        (7, Fate.IN_DOUBT),
        (3, Fate.ABSENT),
        (29, Fate.FORBIDDEN),
        (30, Fate.FORBIDDEN),
        (12, Fate.TOO_LARGE),
        (-1, Fate.REQUEST_TOO_LARGE),
        (99, Fate.IN_DOUBT),
    ],
)
def test_each_code_has_its_rule(code, fate):
    """What nobody has a rule for may have been stored."""
    answers = read_fates(OffsetCommitResponse_v3(0, [("orders", [(0, code)])]))
    assert answers["orders", 0].fate is fate
    assert bool(answers["orders", 0].reason) is (code != 0)


@pytest.mark.parametrize(
    ("group_code", "partition_code", "kind"),
    [(14, 0, Retry), (15, 0, Retry), (16, 0, Retry), (30, 0, Forbidden), (0, 29, Forbidden),
     (0, 14, Retry), (0, 88, Retry), (5, 0, Retry)],
)  # fmt: skip
def test_an_error_says_nothing_of_any_slot(group_code, partition_code, kind):
    """Least of all that they are empty: that would begin a new life."""
    rows = [(0, 7, "text", 0), (1, -1, "", partition_code)]
    assert isinstance(read_slots(OffsetFetchResponse_v3(0, [("t", rows)], group_code), "g"), kind)


def test_a_place_without_a_commit_is_absent():
    """So is a partition that does not exist."""
    rows = [(0, 7, "text", 0), (1, -1, "", 0), (2, -1, "", 3), (3, 0, None, 0)]
    slots = read_slots(OffsetFetchResponse_v3(0, [("t", rows)], 0), "g")
    assert slots == {("t", 0): Slot("t", 0, 7, "text"), ("t", 3): Slot("t", 3, 0, "")}


def test_portions_keep_the_order_and_the_limit():
    """One slot that alone is above the limit goes alone."""
    slots = [Slot("t", p, 0, "\u4e00" * size) for p, size in enumerate([10, 10, 500, 1, 1])]
    split = [[slot.partition for slot in portion] for portion in portions(slots, 250)]
    assert split == [[0, 1], [2], [3, 4]]
    assert list(portions([], 250)) == []
