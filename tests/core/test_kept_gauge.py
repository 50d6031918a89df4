"""The gauge of a stream whose state is kept, from the first position to a restart and beyond."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.core.histogram import Histogram
from streamgauge.core.keeping import Goes, goes_on, grown, planted
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.partition_state import GroupState, ProcessedAges
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import CommittedOffsets, Level

from .conftest import FAR_ENDS

POLICY = StreamPolicy(
    name="orders-stream",
    topic="orders",
    asset_key=("kafka", "orders"),
    groups=("g", "b-*"),
    dead_letters=(DeadLetterTopic("dlq", ("kafka", "dlq")),),
    window_ms=10_000,
    resolution_ms=100,
    checks={},
)
LIFE, NEXT_LIFE = "a" * 16, "b" * 16
WRITER = "e" * 16
P0, P1, LETTERS = ("orders", 0), ("orders", 1), ("dlq", 0)


@pytest.fixture
def gauge():
    """A gauge at second 100 whose first positions are stored: orders/0, orders/1 and dlq/0."""
    made = StreamGauge(POLICY, LIFE, 100_000, kept=True)
    made.assigned("orders", {0: 0, 1: 0})
    made.assigned("dlq", {0: 5})
    plant(made)
    return made


def plant(gauge):
    """Store the first state of every partition that has none."""
    first = {
        place: planted(None, gauge.life, at, (WRITER, 1)) for place, at in gauge.unstored().items()
    }
    gauge.planted(first)
    return first


def store(gauge, before_ms=0):
    """Store what is due, and give what stands in the slots then."""
    states = {}
    for version, captured in enumerate(gauge.capture(before_ms=before_ms), start=2):
        state = grown(captured, gauge.last_arrival_ms(captured.topic), (WRITER, version)).state
        gauge.settle(captured, state)
        states[captured.topic, captured.partition] = state
    return states


def counts(gauge, now_ms):
    """Records and dead letters as they are told."""
    totals = gauge.tick(now_ms).snapshot.totals
    return totals.records, totals.dead_letters


def test_only_what_is_stored_is_told(gauge, columns):
    """Of the stream and of its dead letters."""
    gauge.fold(columns([1, 2], received_ms=101_000))
    gauge.fold(columns([1], topic="dlq", first_offset=5, received_ms=102_000))
    assert counts(gauge, 103_000) == (0, 0)
    stored = store(gauge)
    assert stored.keys() == {P0, LETTERS}
    assert (stored[P0].last_record_ms, stored[LETTERS].last_record_ms) == (101_000, 102_000)
    assert counts(gauge, 104_000) == (2, 1)
    assert store(gauge) == {}
    gauge.answered("orders", 1, 0, 101_000)
    assert store(gauge).keys() == {P1}
    gauge.answered("orders", 1, 0, 109_000)
    assert store(gauge, before_ms=101_000) == {}
    assert store(gauge, before_ms=101_001).keys() == {P1}


def test_partitions_without_a_stored_state_are_named_with_their_first_positions():
    """And are not told."""
    gauge = StreamGauge(POLICY, LIFE, 100_000, kept=True)
    gauge.assigned("orders", {0: 3})
    gauge.assigned("dlq", {0: 5})
    assert gauge.unstored() == {P0: 3, LETTERS: 5}
    assert (gauge.capture(before_ms=200_000), gauge.tick(101_000).snapshot.partitions) == ([], ())
    plant(gauge)
    assert gauge.unstored() == {}
    assert [view.next_offset for view in gauge.tick(102_000).snapshot.partitions] == [3]


def test_a_first_state_of_an_ended_life_is_not_taken(gauge):
    """It was on its way while the log was cut off: the new life has to store its own."""
    late = {P0: planted(None, gauge.life, 0, (WRITER, 9))}
    gauge.begin_life_here(NEXT_LIFE, 110_000)
    gauge.planted(late)
    assert gauge.unstored() == {P0: 0, P1: 0, LETTERS: 5}


def test_a_state_of_an_ended_life_is_not_told(gauge, columns):
    """Its counts belong to the life before."""
    gauge.fold(columns([1, 2]))
    (captured,) = gauge.capture(before_ms=0)
    gauge.begin_life("b" * 16, "dlq", 110_000)
    plant(gauge)
    gauge.settle(captured, grown(captured, None, (WRITER, 9)).state)
    assert counts(gauge, 111_000) == (0, 0)
    assert gauge.positions("orders") == {0: 0, 1: 0}


def test_a_life_ends_where_it_was_stored(gauge, columns):
    """The next one begins there, and its windows at zero."""
    gauge.fold(columns([1, 2]))
    store(gauge)
    gauge.fold(columns([1], first_offset=2))
    assert counts(gauge, 101_000) == (2, 0)
    gauge.begin_life_here(NEXT_LIFE, 105_000)
    assert gauge.life == (NEXT_LIFE, 105_000)
    assert gauge.unstored() == {P0: 2, P1: 0, LETTERS: 5}
    plant(gauge)
    gauge.fold(columns([1], first_offset=2))
    store(gauge)
    told = gauge.tick(110_000)
    assert (told.window.start_ms, told.window.totals.records) == (105_000, 1)
    assert (told.snapshot.totals.records, told.snapshot.resumed) == (1, False)


def test_a_life_of_which_nothing_was_stored_ends_where_it_began(gauge, columns):
    """Whether its log or that of its dead letters is another one now."""
    gauge.begin_life_here(NEXT_LIFE, 105_000)
    gauge.fold(columns([1, 2]))
    gauge.fold(columns([1], topic="dlq", first_offset=5))
    assert (gauge.positions("orders"), gauge.told_positions("orders")) == (
        {0: 2, 1: 0},
        {0: 0, 1: 0},
    )
    gauge.begin_life("c" * 16, "dlq", 106_000)
    assert gauge.unstored() == {P0: 0, P1: 0}
    gauge.begin_life("d" * 16, "orders", 107_000)
    assert gauge.unstored() == {}


def test_a_restarted_process_goes_on_in_the_same_life(gauge, columns, state):
    """Totals, positions and the time of the last records are those that are stored."""
    gauge.fold(columns([1, 2], received_ms=101_000))
    gauge.fold(columns([1], topic="dlq", first_offset=5, received_ms=102_000))
    slots = {P1: planted(None, gauge.life, 0, (WRITER, 1))} | store(gauge)
    gauge.fold(columns([1], first_offset=2))
    restarted = StreamGauge(POLICY, NEXT_LIFE, 125_000, kept=True)
    restarted.restore(goes_on(slots), 125_000)
    assert restarted.life == (LIFE, 100_000)
    assert (restarted.positions("orders"), restarted.positions("dlq")) == ({0: 2, 1: 0}, {0: 6})
    snapshot = restarted.tick(126_000).snapshot
    assert (snapshot.life, snapshot.life_start_ms, snapshot.resumed) == (LIFE, 100_000, True)
    assert (snapshot.totals.records, snapshot.totals.dead_letters) == (2, 1)
    assert snapshot.last_record_ms == 101_000
    assert (snapshot.dead_letters[0].last_arrival_ms, snapshot.dead_letters[0].recent) == (
        102_000,
        0,
    )


@pytest.mark.parametrize(
    ("after_ms", "level"),
    [(0, Level.FAIL), (9_999, Level.FAIL), (10_000, Level.PASS), (-1, Level.PASS)],
)
def test_a_dead_letter_of_before_a_restart_fails_its_check_for_a_window(state, after_ms, level):
    """A restart alone is no reason to say that none has come."""
    letters_ms = 120_000
    slots = {P0: state(), LETTERS: state(dead_letters=3, last_record_ms=letters_ms)}
    checks = {"no_dead_letters": Policy(fail=Limit(above=0))}
    restarted = StreamGauge(replace(POLICY, checks=checks), NEXT_LIFE, 119_000, kept=True)
    restarted.restore(goes_on(slots), 119_000)
    restarted.sighted("topic dlq")
    now_ms = letters_ms + after_ms
    restarted.answered("dlq", 0, 0, now_ms)
    store(restarted)
    snapshot = restarted.tick(now_ms).snapshot
    (verdict,) = [each for each in snapshot.verdicts if each.check == "no_dead_letters"]
    assert verdict.level is level
    assert snapshot.dead_letters[0].last_arrival_ms == letters_ms


def test_windows_after_a_restart_begin_with_what_is_stored(gauge, columns, state):
    """What was counted before the restart was told in windows before."""
    slots = {P0: state(position=7, records=7), P1: state(), LETTERS: state(position=5)}
    restarted = StreamGauge(POLICY, NEXT_LIFE, 125_000, kept=True)
    restarted.restore(goes_on(slots), 125_000)
    restarted.fold(columns([1, 2], first_offset=7))
    store(restarted)
    window = restarted.tick(130_000).window
    assert (window.start_ms, window.end_ms, window.totals.records) == (125_000, 130_000, 2)


def test_going_back_to_what_is_stored_begins_a_window_there(gauge, columns):
    """Another process may have told what came in between."""
    gauge.fold(columns([1, 2]))
    slots = {P1: planted(None, gauge.life, 0, (WRITER, 1))} | store(gauge)
    gauge.tick(110_000)
    gauge.fold(columns([1, 2, 3], first_offset=2))
    gauge.restore(goes_on(slots), 115_000)
    assert (gauge.positions("orders"), gauge.positions("dlq")) == ({0: 2, 1: 0}, {})
    gauge.fold(columns([1], first_offset=2))
    store(gauge)
    told = gauge.tick(120_000)
    assert (told.window.start_ms, told.window.totals.records) == (115_000, 1)
    assert (told.snapshot.life_start_ms, told.snapshot.resumed) == (100_000, 1)


def test_what_is_to_be_asked_for_anew_never_goes_back(gauge, state):
    """A life that this process begins follows nothing, and makes no later one follow nothing."""
    slots = {P0: state(position=3, records=3), P1: state(), LETTERS: state(position=5)}
    told = [gauge.tick(101_000).snapshot.resumed]
    for then in (
        lambda: gauge.restore(goes_on(slots), 110_000),
        lambda: gauge.begin_life("b" * 16, "dlq", 111_000),
        lambda: gauge.begin_life_here("c" * 16, 112_000),
        lambda: gauge.begin_life_at("d" * 16, {P0: 4}, 113_000),
        lambda: gauge.restore(goes_on(slots), 114_000),
        gauge.follow_anew,
    ):
        then()
        told.append(gauge.tick(120_000).snapshot.resumed)
    assert told == [0, 1, 1, 1, 1, 2, 3]


def test_partitions_of_an_older_life_go_on_from_zero(gauge, state):
    """The process died before the new life had reached their slots."""
    slots = {
        P0: state("b", 9, life_start_ms=110_000, start_position=4, records=5),
        P1: state("a", 6, start_position=0, records=6),
        LETTERS: state("a", 8, start_position=5, dead_letters=3),
    }
    gauge.restore(goes_on(slots), 120_000)
    assert gauge.life == (NEXT_LIFE, 110_000)
    assert gauge.unstored() == {P1: 6, LETTERS: 8}
    plant(gauge)
    snapshot = gauge.tick(121_000).snapshot
    assert (snapshot.totals.records, snapshot.totals.dead_letters) == (5, 0)
    assert [view.start_position for view in snapshot.partitions] == [4, 6]


def test_topics_that_are_configured_no_longer_are_passed_over(gauge, state):
    """Their slots stay in the group until they expire."""
    gone = ("gone", 0)
    states, positions = {P0: state(position=3, records=3), gone: state(records=9)}, {("old", 1): 4}
    gauge.restore(Goes(LIFE, 100_000, states, positions), 120_000)
    assert counts(gauge, 121_000) == (3, 0)


def test_the_newest_record_is_that_of_any_partition(gauge, state):
    """Whichever is restored first; none is known where none was stored."""
    slots = {P0: state(last_record_ms=103_000), P1: state(last_record_ms=101_000)}
    gauge.restore(goes_on(slots), 120_000)
    assert gauge.last_arrival_ms("orders") == 103_000
    gauge.restore(goes_on(dict(reversed(slots.items()))), 120_000)
    assert gauge.last_arrival_ms("orders") == 103_000
    assert gauge.last_arrival_ms("dlq") is None
    for stored_ms in (108_000, 106_000):
        gauge.restore(goes_on({LETTERS: state(last_record_ms=stored_ms)}), 120_000)
    assert gauge.last_arrival_ms("dlq") == 108_000


def test_groups_found_by_a_pattern_go_on_from_their_stored_commits(gauge, state):
    """Their names are found after the restore."""
    stored = {group_key("b-1"): GroupState(9, 4), group_key("g"): GroupState(7, 7)}
    slots = {P0: state(position=12, groups=stored), P1: state(), LETTERS: state(position=5)}
    gauge.restore(goes_on(slots), 120_000)
    assert gauge.tick(121_000).snapshot.totals.groups == {"g": GroupTotals(7)}
    gauge.watch(["b-1"])
    gauge.offsets([CommittedOffsets("b-1", "orders", {0: 11, 1: None}, 122_000)], FAR_ENDS)
    aged = ProcessedAges(11, Histogram(), unaged=2)
    assert store(gauge)[P0].groups[group_key("b-1")] == GroupState(11, 6, aged)
    totals = gauge.tick(123_000).snapshot.totals
    assert totals.groups == {"g": GroupTotals(7), "b-1": GroupTotals(6, unaged=2)}


def test_groups_that_are_found_again_are_told_at_once_of_all_partitions(gauge, state):
    """Before any of their commits is seen, and though none of their partitions is stored anew."""
    stored = {P0: GroupState(9, 4), P1: GroupState(5, 3)}
    slots = {
        place: state(position=12, groups={group_key("b-1"): group})
        for place, group in stored.items()
    }
    gauge.restore(goes_on({**slots, LETTERS: state(position=5)}), 120_000)
    assert gauge.tick(121_000).snapshot.totals.groups == {}
    gauge.watch(["b-1", "b-2"])
    assert gauge.tick(122_000).snapshot.totals.groups == {"b-1": GroupTotals(7)}
    gauge.offsets([CommittedOffsets("b-1", "orders", {0: 11, 1: 5}, 123_000)], FAR_ENDS)
    store(gauge)
    gauge.watch(["b-1", "b-2"])
    assert gauge.tick(124_000).snapshot.totals.groups == {"b-1": GroupTotals(9, unaged=2)}


def test_a_group_that_is_watched_already_loses_nothing(gauge):
    """Nor does another one that is found beside it."""
    commits = [CommittedOffsets("b-1", "orders", {0: at}, 101_000) for at in (3, 5)]
    gauge.watch(["b-1"])
    gauge.offsets(commits, FAR_ENDS)
    store(gauge)
    asked = gauge.tick(102_000).snapshot.groups["b-1"]
    gauge.watch(["b-2", "b-1"])
    snapshot = gauge.tick(102_100).snapshot
    assert snapshot.totals.groups == {"b-1": GroupTotals(2)}
    assert (snapshot.groups["b-1"], gauge.watched) == (asked, ("g", "b-1", "b-2"))


def test_in_memory_everything_is_told_as_it_is_counted(columns):
    """Also what was counted before it was known that nothing can be stored."""
    gauge = StreamGauge(POLICY, LIFE, 100_000, kept=True)
    gauge.keep_in_memory()
    gauge.assigned("orders", {0: 0})
    gauge.assigned("dlq", {0: 5})
    gauge.fold(columns([1, 2]))
    gauge.fold(columns([1], topic="dlq", first_offset=5))
    assert counts(gauge, 101_000) == (2, 1)
    gauge.begin_life(NEXT_LIFE, "orders", 102_000)
    gauge.assigned("orders", {0: 0})
    gauge.fold(columns([1]))
    assert counts(gauge, 103_000) == (1, 0)


def test_a_life_without_a_record_has_empty_totals(gauge):
    """And its partitions are known."""
    snapshot = gauge.tick(101_000).snapshot
    assert snapshot.totals == Totals()
    assert [view.partition for view in snapshot.partitions] == [0, 1]
