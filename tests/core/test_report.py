"""Reports follow one another without a gap, and a data version changes with data only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.core.report import Position, data_version, dead_letter_report, report
from streamgauge.core.snapshot import DeadLetterTopicView, PartitionView
from streamgauge.core.totals import Totals

PARTITIONS = st.dictionaries(st.integers(0, 5), st.integers(0, 1 << 40), min_size=1)


def part(partition, next_offset, topic="orders", **counts):
    """A partition read up to an offset."""
    return PartitionView(topic, partition, 0, next_offset, None, None, Totals(**counts))


def at(snapshot, as_of_ms, records, next_offset=None, **fields):
    """The stream with one partition and so many records."""
    partition = part(0, records if next_offset is None else next_offset, records=records)
    totals = Totals(records=records)
    return snapshot(as_of_ms=as_of_ms, totals=totals, partitions=(partition,), **fields)


def test_first_report_of_a_life_has_everything(snapshot):
    """Sequence 1, from the start of the life, with all of the totals as the difference."""
    first = report(at(snapshot, 5_000, 10, life_start_ms=2_000), None)
    assert (first.sequence, first.start_ms, first.end_ms) == (1, 2_000, 5_000)
    assert first.difference == first.totals == Totals(records=10)
    assert (first.arrived, first.arrived_total) == (10, 10)
    assert first.positions == (Position(0, 10, 10),)


def test_next_report_begins_where_the_acknowledged_one_ended(snapshot):
    """What was published in between and never acknowledged is in the difference."""
    first = report(at(snapshot, 5_000, 10), None)
    second = report(at(snapshot, 9_000, 17), first)
    assert (second.sequence, second.start_ms, second.end_ms) == (2, 5_000, 9_000)
    assert second.difference == Totals(records=7)
    assert (second.arrived, second.arrived_total) == (7, 17)


def test_new_life_begins_anew(snapshot):
    """A report of another life counts for nothing."""
    old = report(at(snapshot, 5_000, 10), None)
    new = report(at(snapshot, 6_000, 3, life="other", life_start_ms=5_500), old)
    assert (new.life, new.sequence, new.start_ms, new.arrived) == ("other", 1, 5_500, 3)


def test_clock_that_was_set_back_makes_an_empty_period(snapshot):
    """A period never ends before it starts, and no count is lost."""
    first = report(at(snapshot, 5_000, 10), None)
    second = report(at(snapshot, 1_000, 12), first)
    assert (second.start_ms, second.end_ms, second.arrived) == (5_000, 5_000, 2)


def test_totals_that_shrink_are_refused(snapshot):
    """That is no later state, and a negative difference is never told."""
    first = report(at(snapshot, 5_000, 10), None)
    with pytest.raises(ValueError, match="records: 9 is less than 10"):
        report(at(snapshot, 6_000, 9), first)


def test_dead_letter_topic_has_its_own_counts_positions_and_version(snapshot):
    """What happens on the stream and on other dead letter topics does not move it."""
    views = tuple(
        DeadLetterTopicView(topic, ("kafka", topic), Totals(dead_letters=count), 0, None)
        for topic, count in (("dlq", 3), ("other", 5))
    )
    state = at(
        snapshot,
        5_000,
        10,
        dead_letters=views,
        dead_letter_partitions=(
            part(0, 40, "dlq", dead_letters=3),
            part(0, 50, "other", dead_letters=5),
        ),
    )
    told = dead_letter_report(state, views[0], None)
    assert told.asset_key == ("kafka", "dlq")
    assert (told.arrived, told.arrived_total, told.positions) == (3, 3, (Position(0, 40, 3),))
    assert told.data_version == data_version([Position(0, 40, 0)])
    assert told.data_version != report(state, None).data_version
    again = dead_letter_report(state, views[0], told)
    assert (again.sequence, again.arrived, again.arrived_total) == (2, 0, 3)


def test_data_version_stays_while_only_control_records_come(snapshot):
    """Positions move over them, but downstream has nothing to do."""
    first = report(at(snapshot, 5_000, 10), None)
    moved = report(at(snapshot, 6_000, 10, next_offset=12), first)
    still = report(at(snapshot, 7_000, 10, next_offset=14), moved)
    assert first.data_version == moved.data_version == still.data_version
    grown = report(at(snapshot, 8_000, 11, next_offset=15), still)
    assert grown.data_version != first.data_version


def test_data_version_is_stable_text(snapshot):
    """Documented as a hash of `partition:next_offset`, so another release computes the same."""
    positions = [Position(1, 20, 0), Position(0, 10, 0)]
    assert data_version(positions) == "ad147a4c4b415195"
    assert report(at(snapshot, 1, 7), None).data_version == data_version([Position(0, 7, 99)])


@given(PARTITIONS, PARTITIONS)
def test_data_version_tells_positions_apart(left, right):
    """Equal positions, in whatever order and with whatever counts, give an equal version."""
    one = data_version(Position(p, offset, 1) for p, offset in left.items())
    two = data_version(Position(p, offset, 2) for p, offset in reversed(right.items()))
    assert (one == two) == (left == right)


@settings(
    deadline=None,  # other tests run beside it
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it is a mere function
)
@given(steps=st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1))
def test_differences_of_acknowledged_reports_add_up(snapshot, steps):
    """Whichever reports are acknowledged, their differences amount to the totals."""
    acknowledged, records, told = None, 0, 0
    for number, (more, gets_through) in enumerate(steps):
        records += more
        newest = report(at(snapshot, number, records), acknowledged)
        if gets_through:
            told += newest.arrived
            acknowledged = newest
            assert told == newest.arrived_total == records


def test_of_causes_that_the_last_report_did_not_name_nothing_is_said_to_have_come(snapshot):
    """It named only some, for want of room: of the others it is not known how many came since."""

    def letters(dead_letters, **causes):
        totals = Totals(dead_letters=dead_letters, causes=causes)
        return DeadLetterTopicView("dlq", ("dlq",), totals, 0, None)

    first = letters(30, named=10)
    cut = replace(dead_letter_report(snapshot(), first, None), lacks_causes=True)
    later = dead_letter_report(snapshot(), letters(31, named=11, unnamed=20), cut)
    assert (later.arrived, later.difference.causes) == (1, {"named": 1})
    assert later.totals.causes == {"named": 11, "unnamed": 20}
