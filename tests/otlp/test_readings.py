"""Readings: every known value once, an unknown one never."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.totals import GroupTotals
from streamgauge.model import GroupStatus, LagBound, Level
from streamgauge.otlp import names
from streamgauge.otlp.by_cause import ByCause
from streamgauge.otlp.readings import arrival_series, readings


def values(snapshot):
    """Value by metric name and attributes without `stream`, which is checked on the way."""
    found = {}
    for reading in readings(snapshot):
        attributes = dict(reading.attributes)
        assert attributes.pop("stream") == snapshot.stream
        key = (reading.descriptor.name, tuple(attributes.items()))
        assert key not in found
        found[key] = reading.value
    return found


def test_full_snapshot_gives_every_metric_of_the_table(make):
    """The table lists no metric that nothing tells, and nothing untold is left out of it."""
    snapshot = make.full_snapshot()
    everything = [*readings(snapshot), *ByCause().readings(snapshot)]
    assert {reading.descriptor for reading in everything} == set(names.STREAM_METRICS)


def test_names_of_the_table_are_unique():
    """One row for each metric."""
    table = [row.name for row in (*names.STREAM_METRICS, *names.PROCESS_METRICS)]
    assert len(table) == len(set(table))


def test_attributes_are_those_of_the_table(make):
    """No point has an attribute that its row does not name."""
    for reading in readings(make.full_snapshot()):
        keys = [key for key, _ in reading.attributes]
        assert keys[0] == "stream"
        assert set(keys[1:]) <= set(reading.descriptor.attributes)


def test_kafka_metrics_have_the_attributes_of_the_collectors_receiver(make):
    """Names, keys and types are those of the kafka_metrics receiver, so its dashboards fit."""
    found = values(make.full_snapshot())
    where = (("topic", "orders.placed"), ("partition", 0), ("group", "billing"))
    assert found["kafka.consumer_group.offset", where] == 90
    assert found["kafka.consumer_group.lag", where] == 10
    assert found["kafka.consumer_group.lag_sum", (where[0], where[2])] == 10
    assert found["kafka.partition.current_offset", where[:2]] == 100
    dead = (("topic", "orders.placed.dlq"), ("partition", 0))
    assert found["kafka.partition.current_offset", dead] == 4


def test_counts_are_those_of_the_totals(make):
    """Each counter tells its field of the partition's totals."""
    found = values(make.full_snapshot())
    where = (("topic", "orders.placed"), ("partition", 0))
    assert found["streamgauge.records", where] == 3
    assert found["streamgauge.records.size", where] == 300
    assert found["streamgauge.records.unaged", where] == 0
    assert found["streamgauge.records.negative_age", where] == 0
    assert found["streamgauge.records.traced", where] == 3
    assert found["streamgauge.records.sampled", where] == 2
    assert found["streamgauge.event_time.records", (*where, ("source", "header"))] == 3
    assert found["streamgauge.event_time.unreadable", (*where, ("source", "header"))] == 2
    assert found["streamgauge.trace_context.rejected", (*where, ("reason", "upper_case"))] == 3
    assert found["streamgauge.consumer_group.committed", (*where, ("group", "billing"))] == 7
    dead = (("topic", "orders.placed.dlq"), ("partition", 0))
    assert found["streamgauge.dead_letters", dead] == 4
    assert found["streamgauge.dead_letters.retrying", dead] == 2
    assert found["streamgauge.first_sighting.asked", ()] == 12
    assert found["streamgauge.first_sighting.answered", ()] == 11
    assert found["streamgauge.first_sighting.evicted", ()] == 5
    assert found["streamgauge.offsets.undecodable", dead] == 1
    assert ("streamgauge.records", dead) not in found
    assert found["streamgauge.completeness", ()] == 0.75
    assert found["streamgauge.blind", ()] == 1
    assert found["streamgauge.age.resolution", ()] == 0.5
    assert found["streamgauge.processed_age.resolution", ()] == 1.0
    assert found["streamgauge.processed_age.error", ()] == 0.09
    assert found["streamgauge.ledger.records", ()] == 519
    assert found["streamgauge.ledger.dropped", ()] == 3
    assert found["streamgauge.state.rate", ()] == 12.5
    assert found["streamgauge.state.size", ()] == 2100
    assert found["streamgauge.state.left_out", (("kind", "groups"),)] == 4


def test_ages_by_stage(make):
    """Arrival ages have no group, processed ages have one; deaths are of another topic."""
    found = values(make.full_snapshot())
    where = (("topic", "orders.placed"), ("partition", 0))
    arrival = found["streamgauge.event.age", (("stage", "arrival"), *where)]
    processed = found[
        "streamgauge.event.age", (("stage", "processed"), *where, ("group", "billing"))
    ]
    assert (arrival.count, arrival.sum_ms) == (3, 70_005)
    assert (processed.count, processed.sum_ms) == (2, 4000)
    dead = (("topic", "orders.placed.dlq"), ("partition", 0))
    death = found["streamgauge.event.age", (("stage", "death"), *dead)]
    waited = found["streamgauge.dead_letters.append_to_death", dead]
    assert (death.count, death.sum_ms) == (2, 10_000)
    assert (waited.count, waited.sum_ms) == (1, 500)
    group = (*where, ("group", "billing"))
    assert found["streamgauge.consumer_group.unaged", group] == 3
    assert found["streamgauge.consumer_group.reprocessed", group] == 1


@pytest.mark.parametrize(
    ("of_group", "told"),
    [
        (GroupTotals(committed=7), None),
        (GroupTotals(unaged=3), (3, 0)),
        (GroupTotals(reprocessed=1), (0, 1)),
    ],
)
def test_what_is_not_kept_of_a_group_is_no_point(make, of_group, told):
    """Of most groups only the commits are: nobody knows what they have processed again."""
    view = make.partition(0)
    view.totals.groups["billing"] = of_group
    found = values(make.snapshot(view))
    series = (("topic", view.topic), ("partition", 0), ("group", "billing"))
    names = [f"streamgauge.consumer_group.{name}" for name in ("unaged", "reprocessed")]
    assert tuple(found.get((name, series)) for name in names) == (told or (None, None))


def test_arrival_series_is_the_one_that_is_told(make):
    """Exemplars find their histogram by these attributes."""
    series = arrival_series("orders", "orders.placed", 3)
    told = [reading.attributes for reading in readings(make.snapshot(make.partition(3, [5])))]
    assert series in told


def test_unknown_values_give_no_reading(make):
    """None is never told as 0."""
    at = make.group_partition(committed_offset=None, lag=None, time_lag_seconds=None)
    view = make.group({0: at}, lag=None)
    snapshot = make.snapshot(make.partition(end_offset=None), groups={"billing": view})
    told = {reading.descriptor for reading in readings(snapshot)}
    assert told.isdisjoint(
        {
            names.CURRENT_OFFSET,
            names.GROUP_OFFSET,
            names.GROUP_LAG,
            names.GROUP_LAG_SUM,
            names.GROUP_TIME_LAG,
            names.COMPLETENESS,
        }
    )
    assert names.RECORDS in told


@pytest.mark.parametrize(
    ("bound", "lag", "time_lag"),
    [
        (LagBound.EXACT, True, True),
        (LagBound.UPPER, True, True),
        (LagBound.LOWER, False, False),
        (LagBound.UNKNOWN, False, False),
    ],
)
def test_bounds_that_would_make_the_description_untrue_are_not_told(make, bound, lag, time_lag):
    """A lag is told as at most this many, and a time lag as at most this long."""
    at = make.group_partition(lag_bound=bound, time_lag_bound=bound)
    snapshot = make.snapshot(groups={"billing": make.group({0: at}, lag_bound=bound)})
    told = {reading.descriptor for reading in readings(snapshot)}
    assert (names.GROUP_LAG in told) is lag
    assert (names.GROUP_LAG_SUM in told) is lag
    assert (names.GROUP_TIME_LAG in told) is time_lag


@pytest.mark.parametrize(
    ("level", "code"), [(Level.PASS, 0), (Level.WARN, 1), (Level.FAIL, 2), (Level.UNKNOWN, -1)]
)
def test_standing_of_a_check(make, level, code):
    """A check is a gauge by check and asset; unknown is a standing of its own."""
    found = values(make.snapshot(verdicts=(make.verdict(level),)))
    where = (("check", "lag__billing"), ("asset", "kafka/orders_placed"))
    assert found["streamgauge.check.standing", where] == code


@pytest.mark.parametrize("status", list(GroupStatus))
def test_status_of_a_group(make, status):
    """Every status has a code of its own."""
    group = replace(make.group({}), status=status)
    found = values(make.snapshot(groups={"billing": group}))
    where = (("topic", "orders.placed"), ("group", "billing"))
    code = found["streamgauge.consumer_group.status", where]
    assert code == names.STATUSES[status]
    assert len(set(names.STATUSES.values())) == len(GroupStatus)


def test_life_without_records_tells_zero(make):
    """A count of a new life is known: it is 0, also of the ages, so that rates start there."""
    found = values(make.snapshot(make.partition(0, [])))
    where = (("topic", "orders.placed"), ("partition", 0))
    assert found["streamgauge.records", where] == 0
    assert found["streamgauge.event.age", (("stage", "arrival"), *where)].count == 0
