"""The gauge of a stream, told like stories from assignment to verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.core.ledger import FirstRecord
from streamgauge.core.lookups import Found
from streamgauge.core.snapshot import Forecast, Pace
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import Blind, CommittedOffsets, LogOffsets

from .conftest import FAR_ENDS

POLICY = StreamPolicy(
    name="orders-stream",
    topic="orders",
    asset_key=("kafka", "orders"),
    groups=("g", "b-*"),
    dead_letters=(DeadLetterTopic("dlq", ("kafka", "dlq")),),
    window_ms=10_000,
    resolution_ms=100,
    checks={"lag": Policy(fail=Limit(above=3))},
)


@pytest.fixture
def gauge():
    """A gauge at second 100 that sees everything: orders/0, orders/1 and dlq/0, all empty."""
    made = StreamGauge(POLICY, "life-1", 100_000)
    made.assigned("orders", {0: 0, 1: 0})
    made.assigned("dlq", {0: 5})
    for what in ("topic orders", "topic dlq", "group g"):
        assert made.sighted(what)
    see_ends(made, 100_000)
    return made


def see_ends(gauge, now_ms, ends=None):
    """Every fetch was answered."""
    ends = {("orders", 0): 0, ("orders", 1): 0, ("dlq", 0): 5} | (ends or {})
    for (topic, partition), end in ends.items():
        gauge.answered(topic, partition, end, now_ms)


def levels(told):
    """Level by check."""
    return {verdict.check: verdict.level.value for verdict in told.snapshot.verdicts}


def test_before_anything_was_seen_all_is_unknown():
    """Unknown is a value: no completeness, no pass, and each blind spot has its sentence."""
    told = StreamGauge(POLICY, "life-1", 100_000).tick(100_000)
    assert told.snapshot.completeness is None
    assert set(levels(told).values()) == {"unknown"}
    assert told.changed == told.snapshot.verdicts
    assert told.snapshot.blind == (
        Blind("topic orders", 100_000, "not asked for yet"),
        Blind("topic dlq", 100_000, "not asked for yet"),
        Blind("group g", 100_000, "its committed offsets were not asked for yet"),
    )
    assert (told.snapshot.groups["g"].lag, told.snapshot.partitions) == (None, ())
    assert (told.snapshot.life, told.snapshot.life_start_ms) == ("life-1", 100_000)


def test_a_healthy_stream_passes_and_tells_its_window(gauge, columns):
    """Records, a commit and a caught-up log give a complete picture."""
    gauge.fold(columns([104_000, 104_500], received_ms=105_000))
    see_ends(gauge, 105_000, {("orders", 0): 2})
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 2, 1: 0}, 105_000)
    gauge.offsets([CommittedOffsets("g", "orders", {0: 1, 1: 0}, 105_000)], log)
    told = gauge.tick(110_000)
    expected = {
        "no_dead_letters": "pass", "fresh": "pass", "arrival_age": "pass",
        "lag__g": "pass", "lag__b__": "unknown", "time_lag__g": "pass", "time_lag__b__": "unknown",
    }  # fmt: skip
    assert expected.items() <= levels(told).items()
    assert (told.window.start_ms, told.window.end_ms) == (100_000, 110_000)
    assert (told.window.totals.records, told.window.completeness) == (2, 1.0)
    snapshot = told.snapshot
    assert (snapshot.stream, snapshot.topic) == ("orders-stream", "orders")
    assert snapshot.asset_key == ("kafka", "orders")
    assert (snapshot.totals.records, snapshot.completeness, snapshot.blind) == (2, 1.0, ())
    assert (snapshot.last_record_ms, snapshot.groups["g"].as_of_ms) == (105_000, 105_000)
    assert (snapshot.last_window, snapshot.window_ms) == (told.window, 10_000)
    assert (snapshot.watched_groups, snapshot.resolution_ms) == (("g", "b-*"), 100)
    assert gauge.next_window_end_ms == 120_000
    assert gauge.tick(110_001).window is None
    assert gauge.tick(110_002).snapshot.last_window == told.window
    gauge.offsets([CommittedOffsets("g", "orders", {0: 2, 1: None}, 110_003)], FAR_ENDS)
    assert gauge.tick(110_003).snapshot.totals.groups == {"g": GroupTotals(1, unaged=1)}


def test_seeing_all_is_more_than_not_being_told_otherwise(gauge):
    """Every partition known and read to its end lately, and nothing told to be out of sight."""
    assert gauge.sees_all(130_000)
    assert not gauge.sees_all(130_001)
    gauge.blinded("group g", "refused", 101_000)
    assert not gauge.sees_all(101_000)
    assert not StreamGauge(POLICY, "life-1", 100_000).sees_all(100_000)


def test_what_was_never_read_to_its_end_is_out_of_sight_since_the_life_began():
    """Of the stream's topic and of a dead letter topic, in every life."""
    gauge = StreamGauge(POLICY, "life-1", 100_000)
    for topic in ("orders", "dlq"):
        gauge.assigned(topic, {0: 0})
        gauge.sighted(f"topic {topic}")
    gauge.sighted("group g")
    assert [blind.since_ms for blind in gauge.tick(101_000).snapshot.blind] == [100_000, 100_000]
    gauge.begin_life("life-2", "orders", 102_000)
    gauge.assigned("orders", {0: 0})
    assert [blind.since_ms for blind in gauge.tick(103_000).snapshot.blind] == [102_000, 102_000]


def test_only_changed_levels_are_changes(gauge):
    """The first tick tells all, the next only what differs."""
    first = gauge.tick(100_000)
    assert len(first.changed) == len(first.snapshot.verdicts) == 17
    assert gauge.tick(100_500).changed == ()
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 9, 1: 0}, 101_000)
    gauge.offsets([CommittedOffsets("g", "orders", {0: 1, 1: 0}, 101_000)], log)
    change, *_ = (each for each in gauge.tick(101_000).changed if each.check == "lag__g")
    assert (change.check, change.level.value, change.since_ms) == ("lag__g", "fail", 101_000)


def test_a_dead_letter_fails_its_check_at_once(gauge, columns):
    """It counts as an arrival of the dead letter topic, not as a record of the stream."""
    dead = columns([1], topic="dlq", first_offset=5, received_ms=101_000)
    assert gauge.fold(dead) is None
    see_ends(gauge, 101_000, {("dlq", 0): 6})
    told = gauge.tick(101_001)
    assert levels(told)["no_dead_letters"] == "fail"
    (view,) = told.snapshot.dead_letters
    assert (view.topic, view.asset_key, view.recent) == ("dlq", ("kafka", "dlq"), 1)
    assert (view.totals.dead_letters, view.last_arrival_ms) == (1, 101_000)
    [cause] = view.cause_names
    assert told.snapshot.totals == Totals(dead_letters=1, causes={cause: 1})
    assert told.snapshot.dead_letter_partitions[0].next_offset == 6
    assert told.snapshot.last_record_ms is None
    assert gauge.tick(111_001).snapshot.dead_letters[0].recent == 0


def test_silence_of_the_broker_is_blindness(gauge):
    """After 30 s without an answered fetch that showed the end nothing passes."""
    gauge.tick(100_000)
    assert gauge.tick(130_000).snapshot.completeness == 1.0
    see_ends(gauge, 130_001, {("orders", 1): 7})
    told = gauge.tick(130_002)
    assert told.snapshot.completeness == pytest.approx(2 / 3)
    (blind,) = told.snapshot.blind
    assert (blind.what, blind.since_ms) == ("topic orders", 100_000)
    assert "partition 1" in blind.reason
    assert levels(told)["fresh"] == "unknown"
    assert levels(told)["no_dead_letters"] == "pass"


def test_what_the_shells_cannot_see_counts_against_completeness(gauge):
    """A told blindness keeps its beginning, takes the newest reason, and ends when sighted."""
    gauge.blinded("topic dlq", "absent", 101_000)
    gauge.blinded("topic dlq", "no right to read it", 102_000)
    told = gauge.tick(103_000)
    assert told.snapshot.blind == (Blind("topic dlq", 101_000, "no right to read it"),)
    assert told.snapshot.completeness == pytest.approx(2 / 3)
    assert levels(told)["no_dead_letters"] == "unknown"
    assert gauge.sighted("topic dlq")
    assert not gauge.sighted("topic dlq")
    assert gauge.tick(104_000).snapshot.completeness == 1.0


def test_a_told_blindness_is_not_told_twice(gauge):
    """The shell's reason wins over the gauge's own."""
    gauge.blinded("topic orders", "the broker does not answer", 101_000)
    assert [b.reason for b in gauge.tick(200_000).snapshot.blind] == [
        "the broker does not answer",
        "the gauge has not read to the end of partition 0",
    ]


def test_groups_found_by_a_pattern_are_watched(gauge):
    """They are shown from then on, also before their offsets are answered."""
    gauge.watch(["b-1", "g"])
    assert gauge.watched == ("g", "b-1")
    assert gauge.tick(101_000).snapshot.groups["b-1"].as_of_ms is None
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 4, 1: 0}, 102_000)
    gauge.offsets([CommittedOffsets("b-1", "orders", {0: 4, 1: 0}, 102_000)], log)
    assert levels(gauge.tick(102_000))["lag__b__"] == "pass"
    assert levels(gauge.tick(102_500))["lag__b__"] == "pass"
    gauge.offsets([CommittedOffsets("b-1", "orders", {0: 0, 1: 0}, 103_000)], log)
    assert levels(gauge.tick(103_000))["lag__b__"] == "unknown", "the ends are older"
    gauge.offsets(
        [CommittedOffsets("b-1", "orders", {0: 0, 1: 0}, 103_000)], replace(log, seen_at_ms=103_001)
    )
    assert levels(gauge.tick(103_002))["lag__b__"] == "fail"
    assert gauge.tick(103_003).snapshot.totals.groups["b-1"].committed == 0


@pytest.mark.parametrize(
    ("fields", "last_record_ms"),
    [
        ({"live": True}, 105_000),
        ({"live": False}, None),
        ({"live": False, "append_ms": [90_000, 91_000]}, 91_000),
    ],
)
def test_the_last_record_is_known_by_receipt_only_while_live(
    gauge, columns, fields, last_record_ms
):
    """A replayed record says nothing of when it came, unless the log does."""
    gauge.fold(columns([1, 2], received_ms=105_000, **fields))
    gauge.fold(columns([], first_offset=2, received_ms=106_000))
    assert gauge.tick(106_000).snapshot.last_record_ms == last_record_ms


def test_no_record_comes_later_than_now(gauge, columns):
    """A clock that was ahead and is set right cannot hide that the stream is silent."""
    gauge.fold(columns([1], live=False, append_ms=[900_000], received_ms=105_000))
    assert gauge.tick(106_000).snapshot.last_record_ms == 106_000
    assert gauge.tick(107_000).snapshot.last_record_ms == 106_000
    gauge.fold(columns([1], first_offset=1, received_ms=108_000))
    assert gauge.tick(109_000).snapshot.last_record_ms == 108_000
    assert gauge.tick(50_000).snapshot.last_record_ms == 50_000


def test_a_dead_letter_that_cannot_be_decoded_has_arrived_too(gauge):
    """Its check does not pass because nobody can read it; of the stream it is no dead letter."""
    gauge.undecodable("orders", 0, 0, 4)
    gauge.passed("orders", 0, 4)
    see_ends(gauge, 100_500, {("orders", 0): 4})
    assert levels(gauge.tick(100_500))["no_dead_letters"] == "pass"
    gauge.undecodable("dlq", 0, 6, 2)
    gauge.passed("dlq", 0, 8, lost=1)
    see_ends(gauge, 101_000, {("orders", 0): 4, ("dlq", 0): 8})
    told = gauge.tick(101_000)
    assert levels(told)["no_dead_letters"] == "fail"
    (view,) = told.snapshot.dead_letters
    assert (view.recent, view.last_arrival_ms, view.totals.undecodable) == (2, 101_000, 2)
    assert view.totals.dead_letters == 0


def test_a_dead_letter_is_seen_by_its_check_however_late_that_comes(gauge, columns):
    """Also when the process stood still for longer than a window between the two."""
    gauge.tick(100_000)
    gauge.fold(columns([1], topic="dlq", first_offset=5, received_ms=101_000))
    see_ends(gauge, 151_000, {("dlq", 0): 6})
    assert levels(gauge.tick(151_000))["no_dead_letters"] == "fail"


def test_a_topic_of_unknown_partitions_passes_nothing(gauge):
    """Between a topic's end and the first positions in its successor nothing is known."""
    gauge.begin_life("life-2", "orders", 106_000)
    told = gauge.tick(106_500)
    assert told.snapshot.blind == (
        Blind("topic orders", 106_000, "its partitions are not known yet"),
    )
    assert levels(told)["fresh"] == "unknown"


def test_a_group_not_asked_for_yet_has_no_lag_of_its_own(gauge):
    """In a new life its commits are not known, which is not the same as none."""
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 2, 1: 0}, 105_000)
    gauge.offsets([CommittedOffsets("g", "orders", {0: 1, 1: 0}, 105_000)], log)
    gauge.begin_life("life-2", "orders", 106_000)
    gauge.assigned("orders", {0: 0, 1: 0})
    (verdict,) = [v for v in gauge.tick(107_000).snapshot.verdicts if v.check == "lag__g"]
    assert (verdict.level.value, verdict.value) == ("unknown", None)
    assert verdict.reason.endswith("its committed offsets were not answered yet")
    gauge.offsets(
        [CommittedOffsets("g", "orders", {0: 1, 1: 0}, 105_000)], replace(log, seen_at_ms=1)
    )
    group = gauge.tick(107_000).snapshot.groups["g"]
    assert (group.as_of_ms, group.lag, group.partitions[0].end_offset) == (105_000, None, 2)


def test_offsets_that_gave_no_record_are_counted(gauge):
    """Lost and undecodable ones."""
    gauge.passed("orders", 0, 4, lost=4)
    gauge.undecodable("dlq", 0, 5, 1)
    gauge.passed("dlq", 0, 6)
    totals = gauge.tick(101_000).snapshot.totals
    assert (totals.lost, totals.undecodable) == (4, 1)


def test_a_new_life_starts_at_zero(gauge, columns):
    """Totals, positions and windows begin anew; what was configured and watched stays."""
    gauge.fold(columns([104_000], received_ms=105_000))
    gauge.fold(columns([1], topic="dlq", first_offset=5, received_ms=105_000))
    gauge.begin_life("life-2", "orders", 106_000)
    assert (gauge.positions("orders"), gauge.positions("dlq")) == ({}, {0: 6})
    gauge.assigned("orders", {0: 0})
    told = gauge.tick(107_000)
    assert (told.snapshot.life, told.snapshot.life_start_ms) == ("life-2", 106_000)
    assert (told.snapshot.totals, told.snapshot.last_record_ms) == (Totals(), None)
    letters = told.snapshot.dead_letter_partitions[0]
    assert (letters.start_position, letters.totals, letters.as_of_ms) == (6, Totals(), 100_000)
    assert told.snapshot.dead_letters[0].recent == 1
    assert told.snapshot.groups["g"].as_of_ms is None
    assert gauge.tick(110_000).window.start_ms == 106_000


def test_a_rewritten_dead_letter_topic_leaves_the_stream_where_it_is(gauge, columns):
    """The life ends for both, the stream's position and its last record stay."""
    gauge.fold(columns([104_000], received_ms=105_000))
    gauge.offsets([CommittedOffsets("g", "orders", {0: 0, 1: 0}, 105_000)], FAR_ENDS)
    gauge.begin_life("life-2", "dlq", 106_000)
    assert (gauge.positions("orders"), gauge.positions("dlq")) == ({0: 1, 1: 0}, {})
    snapshot = gauge.tick(107_000).snapshot
    assert (snapshot.last_record_ms, snapshot.groups["g"].as_of_ms) == (105_000, 105_000)
    assert (snapshot.totals, snapshot.completeness) == (Totals(), None)


def test_a_snapshot_does_not_change_any_more(gauge, columns):
    """What was told once stays as told."""
    before = gauge.tick(101_000).snapshot
    kept = replace(before, totals=before.totals.copy())
    gauge.fold(columns([104_000], received_ms=105_000))
    gauge.blinded("topic dlq", "absent", 105_000)
    gauge.tick(106_000)
    assert before == kept


def test_silence_counts_from_when_the_topic_came_into_sight():
    """Neither the time before the first sight nor a break in it is silence."""
    gauge = StreamGauge(POLICY, "life-1", 100_000)
    assert gauge.tick(101_000).snapshot.listening_since_ms is None
    gauge.assigned("orders", {0: 0})
    gauge.sighted("topic orders")
    gauge.answered("orders", 0, 0, 150_000)
    assert gauge.tick(150_001).snapshot.listening_since_ms == 150_001
    assert gauge.tick(151_000).snapshot.listening_since_ms == 150_001
    gauge.blinded("topic orders", "broker away", 160_000)
    assert gauge.tick(161_000).snapshot.listening_since_ms == 150_001
    gauge.sighted("topic orders")
    gauge.answered("orders", 0, 0, 170_000)
    assert gauge.tick(170_001).snapshot.listening_since_ms == 170_001
    assert gauge.tick(160_000).snapshot.listening_since_ms == 160_000
    gauge.begin_life("life-2", "orders", 171_000)
    assert gauge.tick(171_000).snapshot.listening_since_ms is None


def test_what_is_told_of_a_group_holds_until_the_next_answer_is_due(gauge):
    """Then it is unknown, never the last value as if it were new; no check is told of that yet."""
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 5, 1: 0}, 105_000)
    gauge.offsets([CommittedOffsets("g", "orders", {0: 2, 1: 0}, 105_000)], log)
    assert gauge.answers_hold_ms(105_500) == 701
    held = gauge.tick(106_200).snapshot
    assert (held.groups["g"].lag, held.groups["g"].as_of_ms) == (3, 105_000)
    gone = gauge.tick(106_201).snapshot
    group = gone.groups["g"]
    assert (group.lag, group.time_lag_seconds, group.status.value) == (None, None, "UNKNOWN")
    assert (group.as_of_ms, group.partitions[0].committed_offset) == (105_000, 2)
    assert (group.partitions[0].lag, group.pace, group.forecast) == (None, Pace(), Forecast())
    checks = {verdict.check: verdict.level.value for verdict in gone.verdicts}
    assert checks["lag__g"] == "pass"
    assert gauge.answers_hold_ms(106_201) == 1_200
    gauge.hold_answers(2_000)
    assert gauge.tick(107_000).snapshot.groups["g"].lag == 3


def test_a_commit_beyond_the_end_of_the_log_is_none(gauge):
    """It belongs to another log, and passes no record of this one."""
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 5}, 105_000)
    for offset, at_ms in ((2, 105_000), (9, 105_500), (3, 106_000)):
        ends = replace(log, seen_at_ms=at_ms)
        gauge.offsets([CommittedOffsets("g", "orders", {0: offset, 1: 7}, at_ms)], ends)
    totals = gauge.tick(106_000).snapshot.totals.groups["g"]
    assert totals.committed == 1


def test_the_first_record_that_is_not_known_is_to_be_looked_up(gauge):
    """By partition, each offset once."""
    log = LogOffsets("orders", {0: 0, 1: 0}, {0: 5, 1: 3}, 105_000)
    commits = [
        CommittedOffsets("g", "orders", {0: 4, 1: 3}, 105_000),
        CommittedOffsets("b-1", "orders", {0: 2, 1: 1}, 105_000),
        CommittedOffsets("b-2", "orders", {0: 2, 1: 3}, 105_000),
    ]
    gauge.watch(["b-1", "b-2"])
    assert gauge.to_look_up(commits, log) == {0: [2, 4], 1: [1]}
    gauge.found(0, 2, Found(FirstRecord(2, 100_000, 0), 0, 105_000))
    assert 2 not in gauge.to_look_up(commits, log)[0]
