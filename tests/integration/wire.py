"""What came over the wire, and what the producer's log says must have come."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

SCALE = 3


def latest(rows, *names):
    """The newest point by the values of these attributes."""
    found = {}
    for row in rows:
        found[tuple(row.attributes[name] for name in names)] = row.point
    return found


def values(rows, name):
    """The newest value by one attribute."""
    return {key: point.value for (key,), point in latest(rows, name).items()}


def bucket(age_ms: int) -> int | None:
    """OTLP index at scale 3 of an age, by the definition in exact arithmetic; None for 0."""
    if age_ms <= 0:
        return None
    eighth_power = Fraction(age_ms, 1000) ** 2**SCALE
    index = -80
    while eighth_power > Fraction(2) ** (index + 1):
        index += 1
    return index


def ages_ms(truth, appended):
    """Arrival age by (partition, offset): the broker's append time less the event time."""
    return {
        (r["partition"], r["offset"]): appended[r["partition"], r["offset"]][1] - r["event_ms"]
        for r in truth.records
    }


def buckets_of(ages):
    """How many of these ages are in each bucket, by (partition, index)."""
    return Counter((partition, bucket(age)) for (partition, _), age in ages.items())


def buckets_told(received):
    """How many arrival ages the newest histograms have in each bucket, by (partition, index)."""
    told = Counter()
    rows = received.histograms("streamgauge.event.age")
    for (partition, stage), point in latest(rows, "partition", "stage").items():
        assert point.scale == SCALE
        if stage != "arrival":
            continue
        told[partition, None] += point.zero_count
        for position, count in enumerate(point.counts):
            told[partition, point.offset + position] += count
    return +told


def assert_exemplars_are_records(received, truth, ages=None):
    """Every exemplar of an age names a sampled record by trace, place and, if given, its age."""
    rows = received.histograms("streamgauge.event.age")
    exemplars = [(row, exemplar) for row in rows for exemplar in row.point.exemplars]
    assert exemplars
    for row, exemplar in exemplars:
        place = row.attributes["partition"], exemplar.attributes["messaging.kafka.offset"]
        assert place == _sampled(truth)[exemplar.trace_id, exemplar.span_id]
        if ages is not None:
            assert exemplar.value * 1000 == pytest.approx(ages[place])


def assert_spans_continue_records(received, topic, truth):
    """Every span about the topic is the child of a sampled record's, and tells its place."""
    spans = spans_of(received, topic)
    assert spans
    for span in spans:
        partition = int(span.attributes["messaging.destination.partition.id"])
        place = partition, span.attributes["messaging.kafka.offset"]
        assert place == _sampled(truth)[span.trace_id, span.parent_span_id]
        (link,) = span.links
        assert (link.trace_id, link.span_id) == (span.trace_id, span.parent_span_id)
        assert span.kind == "CONSUMER"


def spans_of(received, topic):
    """The spans about records of a topic."""
    return [span for span in received.spans() if span.name == f"process {topic}"]


def _sampled(truth):
    """Partition and offset of each sampled record by the trace and span that wrote it."""
    return {
        (r["trace_id"], r["span_id"]): (r["partition"], r["offset"])
        for r in truth.records
        if r["sampled"]
    }
