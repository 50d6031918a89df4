"""Which groups to believe in, listing after listing."""

import pytest

from streamgauge.kafka.answers import ListedGroup
from streamgauge.kafka.groups import BELIEVED_GONE_AFTER_MS, GroupListing


def listed(**protocol_types):
    """A listing of brokers that do not tell states."""
    return {group: ListedGroup(kind, None) for group, kind in protocol_types.items()}


LISTED = listed(billing="consumer", simple="", flow="streams", queue="share", c="connect")


def test_groups_are_told_apart_by_what_can_be_followed():
    """Connect workers commit nothing; share groups have no offsets."""
    groups = GroupListing().take_in(LISTED, complete=True, now_ms=0)
    assert groups.followed == {"billing", "simple", "flow"}
    assert groups.unsupported == {"queue"}


def test_an_empty_list_is_not_believed():
    """Neither at first, which may be a broker that starts, nor later, however long."""
    listing = GroupListing()
    assert listing.take_in({}, complete=True, now_ms=0) is None
    listing.take_in(LISTED, complete=True, now_ms=1)
    for now_ms in (2, BELIEVED_GONE_AFTER_MS * 5):
        groups = listing.take_in({}, complete=True, now_ms=now_ms)
        assert groups.followed == {"billing", "simple", "flow"}


def test_a_group_is_gone_after_a_minute_of_complete_listings_without_it():
    """Not before, and listings in which a broker is missing prove nothing."""
    listing = GroupListing()
    listing.take_in(listed(a="consumer", b="consumer"), complete=True, now_ms=0)
    without_b = listed(a="consumer")
    incomplete = listing.take_in(without_b, complete=False, now_ms=10**9)
    assert incomplete.followed == {"a", "b"}
    start = 2 * 10**9
    listing.take_in(without_b, complete=True, now_ms=start)
    almost = listing.take_in(without_b, complete=True, now_ms=start + BELIEVED_GONE_AFTER_MS - 1)
    assert almost.followed == {"a", "b"}
    gone = listing.take_in(without_b, complete=True, now_ms=start + BELIEVED_GONE_AFTER_MS)
    assert gone.followed == {"a"}


def test_a_group_that_comes_back_begins_anew():
    """Its earlier absence does not count against it."""
    listing = GroupListing()
    both, without_b = listed(a="consumer", b="consumer"), listed(a="consumer")
    for now_ms, told in ((0, both), (1, without_b), (2, both), (3, without_b)):
        listing.take_in(told, complete=True, now_ms=now_ms)
    groups = listing.take_in(without_b, complete=True, now_ms=1 + BELIEVED_GONE_AFTER_MS)
    assert groups.followed == {"a", "b"}


def test_a_group_that_changes_its_kind_is_what_it_was_listed_as_last():
    """An empty group may be taken over by another protocol."""
    listing = GroupListing()
    listing.take_in(listed(a="consumer"), complete=True, now_ms=0)
    groups = listing.take_in(listed(a="share"), complete=True, now_ms=1)
    assert (groups.followed, groups.unsupported) == (frozenset(), {"a"})


@pytest.mark.parametrize(
    ("kind", "state", "empty", "occupied"),
    [
        ("consumer", "Empty", True, False),
        ("consumer", "Dead", True, False),
        ("consumer", "Stable", False, True),
        ("consumer", "PreparingRebalance", False, True),
        ("consumer", "CompletingRebalance", False, True),
        ("consumer", "Assigning", False, True),
        ("consumer", "Reconciling", False, True),
        ("streams", "NotReady", False, True),
        ("", "Empty", False, False),  # it only commits, and may be doing so now
        ("consumer", "Unknown", False, False),
        ("consumer", "", False, False),
        ("consumer", None, False, False),
    ],
)
def test_whether_a_group_has_members_is_told_only_where_it_is_known(kind, state, empty, occupied):
    """What no rule covers is in neither."""
    groups = GroupListing().take_in({"a": ListedGroup(kind, state)}, complete=True, now_ms=0)
    assert ("a" in groups.empty, "a" in groups.occupied) == (empty, occupied)


def test_members_are_known_only_from_the_last_listing():
    """A group that is believed in though it is missing may have any or none."""
    listing = GroupListing()
    both = {"a": ListedGroup("consumer", "Stable"), "b": ListedGroup("consumer", "Empty")}
    groups = listing.take_in(both, complete=True, now_ms=0)
    assert (groups.empty, groups.occupied) == ({"b"}, {"a"})
    groups = listing.take_in({}, complete=False, now_ms=1)
    assert groups.followed == {"a", "b"}
    assert (groups.empty, groups.occupied) == (frozenset(), frozenset())
