"""What a poll makes of what it finds: counts that only grow, and a version that follows data."""

import dagster as dg
import pytest

from streamgauge.core.lag import group_of_log
from streamgauge.model import CommittedOffsets, LogOffsets
from streamgauge_dagster.sensors.poll_memory import Memory, Polled, read_memory, write_memory
from streamgauge_dagster.sensors.poll_report import advance, poll_observation
from streamgauge_dagster.sensors.poll_tick import Tick
from streamgauge_dagster.sensors.polled import Found, PolledStream, PolledTopic, Unknown

from .gauge import LETTERS, STREAM

OWN = PolledTopic(asset_key=STREAM, topic="orders.placed")
DEAD = PolledTopic(asset_key=LETTERS, topic="orders.placed.dlq")
ORDERS = PolledStream(name="orders", topics=(OWN, DEAD))
NOW = 1_769_860_800_000


def found(end, start=None, topic_id="an-id", partitions=None, **rest):
    """What a poll has found."""
    return Found(
        topic_id=topic_id,
        partitions=tuple(range(len(end))) if partitions is None else partitions,
        start=dict.fromkeys(end, 0) if start is None else start,
        end=end,
        **rest,
    )


def polls(*founds):
    """What is known after each poll, and what each has added; one a minute."""
    polled, told = Polled(), []
    for number, each in enumerate(founds):
        advanced = advance(polled, each, f"life-{number}", NOW + number * 60_000)
        if advanced is None:
            told.append(None)
            continue
        before, (polled, period) = polled, advanced
        told.append(
            (period.offsets, polled.offsets_total, polled.sequence, polled.life,
             polled.data_version != before.data_version)
        )  # fmt: skip
    return told


def test_what_is_there_already_is_not_new():
    """The first poll counts nothing, the next ones what was added."""
    assert polls(found({0: 7, 1: 3}), found({0: 9, 1: 3}), found({0: 9, 1: 3})) == [
        (0, 0, 1, "life-0", True),
        (2, 2, 2, "life-0", True),
        (0, 2, 3, "life-0", False),
    ]


def test_nothing_is_counted_before_all_partitions_are_known():
    """Else the first sight of one would be new data; later one may stay away, and catches up."""
    both = (0, 1)
    assert polls(
        found({0: 7}, partitions=both),
        found({0: 7, 1: 3}),
        found({0: 8}, partitions=both),
        found({0: 8, 1: 5}),
    ) == [
        None,
        (0, 0, 1, "life-1", True),
        (1, 1, 2, "life-1", True),
        (2, 3, 3, "life-1", True),
    ]


def test_a_partition_that_was_added_is_new_with_all_it_holds():
    """Without anything in it the data is the same."""
    assert polls(found({0: 7}), found({0: 7, 1: 0}), found({0: 7, 1: 0, 2: 4})) == [
        (0, 0, 1, "life-0", True),
        (0, 0, 2, "life-0", False),
        (4, 4, 3, "life-0", True),
    ]


def test_a_topic_that_was_created_anew_is_another_life():
    """All that it holds is new, also if it has grown beyond the former one."""
    anew = found({0: 9}, start={0: 2}, topic_id="another")
    assert polls(found({0: 7}), anew, found({0: 10}, topic_id="another")) == [
        (0, 0, 1, "life-0", True),
        (7, 7, 1, "life-1", True),
        (1, 8, 2, "life-1", True),
    ]


def test_a_log_that_was_cut_off_is_another_life():
    """What was left of it is not new."""
    assert polls(found({0: 7}), found({0: 5}), found({0: 6})) == [
        (0, 0, 1, "life-0", True),
        (0, 0, 1, "life-1", True),
        (1, 1, 2, "life-1", True),
    ]


def test_brokers_that_tell_no_topic_id():
    """None is no other topic."""
    nameless = found({0: 8}, topic_id=None)
    assert [each[1] for each in polls(found({0: 7}), nameless, found({0: 9}))] == [0, 1, 2]


def observation(now_found, polled=None):
    """The observation of a stream that was polled before, a minute ago."""
    before, _ = advance(Polled(), found({0: 3}), "a-life", NOW - 60_000)
    after, period = advance(polled or before, now_found, "no-life", NOW)
    return poll_observation(ORDERS, OWN, after, period, now_found)


def test_names_are_those_of_a_gauge():
    """Typed, and with its own name for what is no count of records."""
    log = LogOffsets("orders.placed", {0: 0}, {0: 10}, 2)
    groups = {
        "audit": group_of_log([0], None, None),
        "billing": group_of_log([0], CommittedOffsets("billing", "orders.placed", {0: 4}, 1), log),
    }
    told = observation(
        found({0: 10}, groups=groups, time_lag_seconds={"billing": 2.5}, newest_ms=NOW - 500)
    )
    metadata = dict(told.metadata)
    table = metadata.pop("groups")
    assert [(each.data["group"], each.data["lag"]) for each in table.records] == [
        ("billing", 6),
        ("audit", None),
    ]
    detail = metadata.pop("detail").data
    assert detail["positions"] == {"columns": ["partition", "next_offset"], "rows": [[0, 10]]}
    assert [each["lag"] for each in detail["groups"]] == [6, None]
    assert metadata == {
        "offsets": dg.IntMetadataValue(7),
        "offsets_total": dg.IntMetadataValue(7),
        "lag": dg.IntMetadataValue(6),
        "time_lag_seconds": dg.FloatMetadataValue(2.5),
        "completeness": dg.FloatMetadataValue(1.0),
        "last_message_timestamp": dg.FloatMetadataValue((NOW - 500) / 1000),
        "dagster/last_updated_timestamp": dg.TimestampMetadataValue((NOW - 500) / 1000),
        "period_start": dg.TimestampMetadataValue(NOW / 1000 - 60),
        "period_end": dg.TimestampMetadataValue(NOW / 1000),
        "sequence": dg.IntMetadataValue(2),
        "stream": dg.TextMetadataValue("orders"),
        "life": dg.TextMetadataValue("a-life"),
        "source": dg.TextMetadataValue("poll"),
    }
    assert told.description == (
        "7 offsets in 1 m; billing has at most 6 records to read (2.5 s behind)."
    )


def test_what_is_unknown_stays_out():
    """No lag, no time lag, no timestamp: no entry; and what is in the way is told."""
    told = observation(
        found({0: 10}, partitions=(0, 1), trouble=("the right DESCRIBE is missing; grant it",))
    )
    unknown = {"lag", "time_lag_seconds", "last_message_timestamp", "groups", "records"}
    assert not unknown & told.metadata.keys()
    assert "dagster/last_updated_timestamp" not in told.metadata
    assert told.metadata["completeness"].value == 0.5
    assert told.metadata["trouble"].value == "the right DESCRIBE is missing; grant it"


def test_the_newest_timestamp_never_goes_back():
    """Of a poll that read no record, or an older one, the known one is told."""
    before, _ = advance(Polled(), found({0: 3}, newest_ms=NOW), "a-life", NOW)
    for newest_ms in (None, NOW - 5):
        after, _ = advance(before, found({0: 4}, newest_ms=newest_ms), "no-life", NOW)
        assert after.newest_ms == NOW


@pytest.fixture
def ticking(instance):
    """Ticks of a sensor that may be blind for 15 minutes: `ticking(minute, own, dead)`."""
    memory = Memory()

    def tick(minute, own, dead):
        nonlocal memory
        memory = read_memory(write_memory(memory))
        done = Tick(
            instance,
            memory,
            silent_after_ms=900_000,
            break_ms=900_000,
            now_ms=NOW + minute * 60_000,
        )
        done.take_in([ORDERS], {OWN.name: own, DEAD.name: dead})
        levels = [
            each.metadata["level"].value
            for each in done.events
            if isinstance(each, dg.AssetCheckEvaluation)
        ]
        observed = [
            each.asset_key.path[-1] for each in done.events if isinstance(each, dg.AssetObservation)
        ]
        return observed, levels, done.in_words()

    return tick


def test_a_stream_that_cannot_be_read_is_told_once(ticking):
    """After a while; one topic of it is enough; it passes again with the next poll that works."""
    fine, away = found({0: 3}), Unknown("no broker answers")
    both = ["orders_placed", "orders_placed_dlq"]
    assert ticking(0, fine, fine)[:2] == (both, ["pass"])
    assert ticking(5, fine, fine)[:2] == (both, ["pass"])
    assert ticking(10, fine, away) == (
        ["orders_placed"],
        [],
        "Observed: kafka/orders_placed. Unknown: kafka/orders_placed_dlq (no broker answers).",
    )
    assert ticking(20, away, away)[:2] == ([], [])
    assert ticking(21, fine, away)[:2] == (["orders_placed"], ["fail"])
    assert ticking(26, away, away)[:2] == ([], [])
    assert ticking(31, fine, fine)[:2] == (both, ["pass"])


def test_a_partition_without_a_leader_is_named(ticking):
    """At the first sight of a topic."""
    half = found({0: 3}, partitions=(0, 1, 2))
    assert ticking(0, half, found({0: 1}))[2] == (
        "Observed: kafka/orders_placed_dlq. Unknown: kafka/orders_placed (nobody tells the offsets "
        "of partitions 1, 2 of topic orders.placed)."
    )


def test_the_reason_stands_in_the_check(instance):
    """With since when."""
    memory = Memory()
    for minute, own in ((0, found({0: 3})), (16, Unknown("there is no topic orders.placed"))):
        tick = Tick(
            instance,
            memory,
            silent_after_ms=900_000,
            break_ms=960_000,
            now_ms=NOW + minute * 60_000,
        )
        tick.take_in([PolledStream(name="orders", topics=(OWN,))], {OWN.name: own})
    (evaluation,) = tick.events
    assert evaluation.description == (
        "no report for 16 m, since 2026-01-31T12:00:00Z: there is no topic orders.placed"
    )
