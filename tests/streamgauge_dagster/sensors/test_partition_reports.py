"""What a report says of the partitions of its topic is told of each, once for its records."""

import dagster as dg
import pytest

from streamgauge_dagster import Partitions
from streamgauge_dagster.partitioned import partitioned
from streamgauge_dagster.sensors import FollowedStream, observation_sensor
from streamgauge_dagster.sensors.poll_memory import Memory
from streamgauge_dagster.sensors.poll_tick import Tick
from streamgauge_dagster.sensors.polled import Found, PolledStream, PolledTopic

from .gauge import LETTERS, STREAM, Gauge

HELD = dg.AssetKey(["kafka", "orders_placed_by_partition"])
THREE = partitioned(Partitions(kafka=3), STREAM)
LINKS = {"runbook": "https://wiki.example/orders"}


@pytest.fixture
def ticks(daemon):
    """A daemon with a sensor that follows a stream of three partitions."""
    followed = FollowedStream(asset_key=STREAM, links=LINKS, partitions=THREE)
    return daemon(observation_sensor([followed], silent_after_seconds=900))


def report(gauge, records, rows):
    """A report with positions: partition, next offset and records of each."""
    positions = {"columns": ["partition", "next_offset", "records"], "rows": rows}
    gauge.report(records, detail={"positions": positions, "groups": [], "left_out": {}})


@pytest.fixture
def told(observed):
    """Partitions with their next offsets, the newest first."""
    return lambda: [(each.partition, each.metadata["next_offset"].value) for each in observed(HELD)]


def test_each_partition_has_what_the_report_knows_of_it(gauge, ticks, observed):
    """Its own numbers, with types, and which report that is; nothing that was not told."""
    report(gauge, 9, [[0, 105, 5], [1, 40, 4]])
    assert ticks.tick() == (
        "Told again with types: kafka/orders_placed. "
        "Partitions told of: kafka/orders_placed_by_partition (2 partitions)."
    )
    _, first = observed(HELD)
    assert (first.partition, first.description) == ("0", "Counted up to offset 105.")
    assert first.metadata == {
        "runbook": dg.UrlMetadataValue(LINKS["runbook"]),
        "stream": dg.TextMetadataValue("orders"),
        "life": dg.TextMetadataValue("a-life"),
        "sequence": dg.IntMetadataValue(1),
        "as_of": dg.TimestampMetadataValue(1_769_860_860.25),
        "next_offset": dg.IntMetadataValue(105),
        "records_total": dg.IntMetadataValue(5),
    }
    assert first.data_version


def test_only_new_records_are_told(gauge, ticks, told):
    """Not a marker of a transaction, which moves the offset alone, and no report without news."""
    report(gauge, 9, [[0, 105, 5], [1, 40, 4]])
    ticks.tick()
    report(gauge, 1, [[0, 107, 5], [1, 42, 5]])
    ticks.tick()
    report(gauge, 0, [[0, 109, 5], [1, 43, 5]])
    assert "Partitions" not in ticks.tick()
    assert told() == [("1", 42), ("1", 40), ("0", 105)]


def test_a_new_life_tells_what_it_has_counted(instance, gauge, ticks, told):
    """A partition that it has no record of keeps what was told."""
    report(gauge, 9, [[0, 105, 5], [1, 40, 4]])
    ticks.tick()
    next_life = Gauge(instance, "another-life", minute=5)
    report(next_life, 2, [[0, 107, 2], [1, 40, 0]])
    ticks.tick()
    assert told() == [("0", 107), ("1", 40), ("0", 105)]


def test_without_a_cursor_nothing_is_told_twice(gauge, ticks, told):
    """One that was lost, or that a daemon that died had no time to store."""
    report(gauge, 9, [[0, 105, 5]])
    ticks.tick(dies=True)
    ticks.tick()
    ticks.cursor = None
    ticks.tick()
    assert told() == [("0", 105)]


def test_partitions_that_were_added_are_counted_and_left_out(gauge, ticks, observed, told):
    """The tick says what to do, with each report, and so does each observation."""
    report(gauge, 3, [[2, 1, 1], [3, 1, 1], [4, 1, 1]])
    assert ticks.tick().endswith(
        " kafka/orders_placed_by_partition is defined with 3 partitions, but the topic has "
        "partition 3, 4 too: raise partitions.kafka."
    )
    assert told() == [("2", 1)]
    assert observed(HELD)[0].metadata["partitions_undefined"] == dg.IntMetadataValue(2)
    report(gauge, 0, [[2, 1, 1], [3, 1, 1], [4, 1, 1]])
    assert "raise partitions.kafka" in ticks.tick()


def test_dead_letters_are_no_partitions_of_the_stream(instance, daemon, told):
    """Though their report has positions too."""
    followed = FollowedStream(asset_key=STREAM, dead_letters=(LETTERS,), partitions=THREE)
    report(Gauge(instance, key=LETTERS), 1, [[0, 5, 1]])
    daemon(observation_sensor([followed], silent_after_seconds=900)).tick()
    assert told() == []


def test_hostile_positions_tell_nothing(gauge, ticks, told):
    """Whoever may report can write anything there."""
    report(gauge, 3, [[0], "x", {"a": 1}, ["0", 1, 1], [1, None, 2], [2, 7, 1], [0, 1, 2, 3]])
    ticks.tick()
    assert told() == [("2", 7)]


def test_reports_that_have_types_tell_of_partitions_too(gauge, ticks, told):
    """As those that a job makes of the status page: they count offsets alone."""
    for offset, minute in ((105, 1), (105, 2), (106, 3)):
        ended = dg.MetadataValue.timestamp(1_769_860_800.0 + 60 * minute)
        detail = {"positions": {"rows": [[0, offset]]}, "left_out": {}}
        gauge.report(0, detail=detail, period_end=ended, source="status")
        assert "Told again" not in ticks.tick()
    assert told() == [("0", 106), ("0", 105)]


def test_a_poll_tells_of_partitions_too(instance, told):
    """By offsets, for it counts no records."""
    topic = PolledTopic(asset_key=STREAM, topic="orders.placed")
    stream = PolledStream(name="orders", topics=(topic,), partitions=THREE)
    memory = Memory()
    for now_ms, end in ((1_000, {0: 5, 1: 3}), (2_000, {0: 5, 1: 4}), (3_000, {0: 5, 1: 4, 7: 1})):
        tick = Tick(instance, memory, silent_after_ms=9_000, break_ms=9_000, now_ms=now_ms)
        found = Found(topic_id="t", partitions=tuple(end), start=dict.fromkeys(end, 0), end=end)
        tick.take_in([stream], {STREAM.to_user_string(): found})
        for event in tick.events:
            instance.report_runless_asset_event(event)
    assert told() == [("1", 4), ("1", 3), ("0", 5)]
    assert tick.in_words() == (
        "Observed: kafka/orders_placed. kafka/orders_placed_by_partition is defined with 3 "
        "partitions, but the topic has partition 7 too: raise partitions.kafka."
    )
