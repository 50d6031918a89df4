"""What is due for an export: what is new, in its own resource, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from opentelemetry.sdk.resources import Resource

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.snapshot import DeadLetterTopicView
from streamgauge.core.totals import Totals
from streamgauge.otlp.outcome import LastLine, Outcome
from streamgauge.otlp.stream_metrics import StreamMetrics


@pytest.fixture
def outcome():
    """Counts of the metrics signal."""
    return Outcome("otlp_metrics", LastLine())


@pytest.fixture
def streams(outcome):
    """Streams of a process called pod-1."""
    resource = Resource({"service.name": "streamgauge", "service.instance.id": "pod-1"})
    return StreamMetrics(resource, "1", outcome, series_max=3, exemplars_per_series=2)


def points(resource_metrics, name):
    """The points of one metric."""
    (scope,) = resource_metrics.scope_metrics
    return [p for metric in scope.metrics if metric.name == name for p in metric.data.data_points]


def records(collected):
    """Sum of `streamgauge.records` by stream."""
    return {
        part.resource.attributes["service.instance.id"]: sum(
            point.value for point in points(part, "streamgauge.records")
        )
        for part in collected
    }


def exemplar_offsets(collected):
    """Offsets of all exemplars in the order they are sent."""
    return [
        exemplar.filtered_attributes["messaging.kafka.offset"]
        for part in collected
        for point in points(part, "streamgauge.event.age")
        for exemplar in point.exemplars
    ]


def test_nothing_published(streams):
    """Nothing is known, so nothing is told."""
    assert streams.collect() == []


def test_each_stream_has_its_own_resource(streams, make):
    """Totals belong to the stream: the instance is its name, the rest is the process's."""
    streams.publish(make.snapshot(make.partition(0, [1, 2]), stream="orders"))
    streams.publish(make.snapshot(make.partition(0, [1]), stream="carts"))
    collected = streams.collect()
    assert records(collected) == {"orders": 2, "carts": 1}
    assert {part.resource.attributes["service.name"] for part in collected} == {"streamgauge"}


def test_only_the_newest_snapshot_is_told(streams, make):
    """What was published in between is covered by what came after."""
    streams.publish(make.snapshot(make.partition(0, [1])))
    streams.publish(make.snapshot(make.partition(0, [1, 2, 3]), as_of_ms=make.start_ms + 3000))
    assert records(streams.collect()) == {"orders": 3}


def test_delivered_snapshot_is_not_told_again(streams, make):
    """Without a newer snapshot there is nothing new to say."""
    streams.publish(make.snapshot(make.partition(0, [1])))
    assert streams.collect()
    streams.delivered()
    assert streams.collect() == []
    streams.publish(make.snapshot(make.partition(0, [1]), as_of_ms=make.start_ms + 3000))
    assert records(streams.collect()) == {"orders": 1}


def test_lost_snapshot_is_told_again(streams, make):
    """An export that failed is made up for by the next, even without anything newer."""
    streams.publish(make.snapshot(make.partition(0, [1])))
    assert records(streams.collect()) == records(streams.collect()) == {"orders": 1}


def test_time_of_a_life_never_goes_backward(streams, make):
    """A clock that went back silences the stream until it is past the time already told."""
    start_ms = make.start_ms
    streams.publish(make.snapshot(make.partition(0, [1]), as_of_ms=start_ms + 3000))
    streams.collect()
    streams.delivered()
    streams.publish(make.snapshot(make.partition(0, [1, 2]), as_of_ms=start_ms + 2999))
    assert streams.collect() == []
    streams.publish(make.snapshot(make.partition(0, [1, 2]), as_of_ms=start_ms + 3001))
    assert records(streams.collect()) == {"orders": 2}


def test_new_life_is_told_whatever_its_time(streams, make):
    """It has a start of its own, so its totals may be smaller."""
    first = make.snapshot(make.partition(0, [1, 2]))
    streams.publish(first)
    streams.collect()
    streams.delivered()
    second = make.snapshot(make.partition(0, [1]), as_of_ms=first.as_of_ms - 1000)
    streams.publish(replace(second, life="life-2", life_start_ms=make.start_ms + 500))
    (part,) = streams.collect()
    (point,) = points(part, "streamgauge.records")
    assert point.value == 1
    assert point.start_time_unix_nano == (make.start_ms + 500) * 1_000_000


def test_sums_by_cause_go_on_from_one_export_to_the_next(streams, make):
    """In the series in which they began."""
    name = CauseName("1" * 16, None, "TimeoutException", None)
    for count, group in ((1, None), (3, "billing")):
        view = DeadLetterTopicView(
            "dlq",
            ("dlq",),
            Totals(dead_letters=count, causes={name.key: count}),
            0,
            None,
            cause_names={name.key: name._replace(consumer_group=group)},
        )
        as_of_ms = make.start_ms + count * 1_000
        streams.publish(make.snapshot(dead_letters=(view,), as_of_ms=as_of_ms))
        (part,) = streams.collect()
        told = points(part, "streamgauge.dead_letters.by_cause")
        sums = {point.attributes["error.type"]: point.value for point in told}
        assert sums == {"TimeoutException": count, "_OTHER": 0}
        assert not any("group" in point.attributes for point in told)


def test_exemplars_are_told_once_with_the_snapshot_that_holds_them(streams, make):
    """Neither before their histogram counts them nor a second time."""
    streams.observe("orders", [make.record(1, 5), make.record(2, 90)])
    assert streams.collect() == []
    streams.publish(make.snapshot(make.partition(0, [5, 90])))
    streams.observe("orders", [make.record(3, 700)])
    assert exemplar_offsets(streams.collect()) == [1, 2]
    assert exemplar_offsets(streams.collect()) == []
    streams.publish(make.snapshot(make.partition(0, [5, 90, 700]), as_of_ms=make.start_ms + 3000))
    assert exemplar_offsets(streams.collect()) == [3]


def test_exemplars_beyond_the_limit_are_counted(streams, outcome, make):
    """Two are chosen, one is dropped and counted."""
    streams.observe("orders", [make.record(n, 10**n) for n in (1, 2, 3)])
    streams.publish(make.snapshot(make.partition(0, [10, 100, 1000])))
    assert exemplar_offsets(streams.collect()) == [1, 3]
    assert outcome.drops() == {"exemplars_per_series": 1}
    assert outcome.health().dropped == 1


def test_exemplars_of_a_series_without_a_point_are_counted(streams, outcome, make):
    """A partition that another process tells takes its exemplars with it."""
    streams.observe("orders", [make.record(1, partition=7)])
    streams.publish(make.snapshot(make.partition(0, [])))
    assert exemplar_offsets(streams.collect()) == []
    assert outcome.drops() == {"exemplars_per_series": 1}


def test_series_beyond_the_limit_are_counted(streams, outcome, make):
    """Added up on the wire, and visible in the health."""
    streams.publish(make.snapshot(*(make.partition(p, [1] * p) for p in range(5))))
    collected = streams.collect()
    assert records(collected) == {"orders": 10}
    overflow = [
        point.value
        for point in points(collected[0], "streamgauge.records")
        if point.attributes.get("otel.metric.overflow")
    ]
    assert overflow == [3 + 4]
    assert outcome.drops()["series_max"] > 0
    assert outcome.health().dropped == outcome.drops()["series_max"]


def test_candidates_are_known_until_taken(streams, make):
    """A span can say that its record is an exemplar."""
    assert not streams.is_candidate("orders", make.record(1))
    streams.observe("orders", [make.record(1)])
    assert streams.is_candidate("orders", make.record(1))
    assert not streams.is_candidate("carts", make.record(1))
