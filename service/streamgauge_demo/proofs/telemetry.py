"""Proofs over what the OTLP receiver got: counts, ages, offsets, spans and exemplars."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from streamgauge_demo import scenario
from streamgauge_demo.programs.story import STORY
from streamgauge_demo.proofs.ages import AgeBounds, Told, must_fit
from streamgauge_demo.proofs.lag import lag_bounds
from streamgauge_demo.proofs.proof import DoesNotHoldError, Proof, must, must_equal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge_demo.evidence import Evidence
    from streamgauge_demo.parts.otlp_values import Row, Span
    from streamgauge_demo.parts.telemetry import Telemetry
    from streamgauge_demo.truth import Sent

NANOS_PER_MS: Final = 1_000_000
_GAUGE: Final = "streamgauge"


def _received(evidence: Evidence) -> Telemetry:
    if evidence.telemetry is None:
        raise DoesNotHoldError("the telemetry went elsewhere")
    return evidence.telemetry


def _last(rows: Iterable[Row[Any]], *names: str) -> dict[Any, Any]:
    """The newest point by the value of an attribute, or by the values of several."""
    found = {}
    for row in rows:
        values = tuple(row.attributes[name] for name in names)
        found[values if len(names) > 1 else values[0]] = row.point
    return found


def _phases(evidence: Evidence) -> str:
    """The last export before a phase begins has counted all orders before it, and no other."""
    rows, phases = _received(evidence).metric_points("streamgauge.records"), evidence.truth.phases
    must_equal("phases", list(phases), [phase.name for phase in STORY])
    began = {name: interval.began_ms for name, interval in phases.items()}
    counted = {}
    for (phase, _), (_, next_began_ms) in pairwise([*began.items(), ("", 1 << 62)]):
        before = (row for row in rows if row.point.time_ns <= next_began_ms * NANOS_PER_MS)
        counted[phase] = {p: point.value for p, point in _last(before, "partition").items()}
    so_far: dict[int, int] = {}
    for phase, told in counted.items():
        counts = evidence.truth.counts(phase)
        grown = {p: told.get(p, 0) - so_far.get(p, 0) for p in told}
        must_equal(phase, {p: n for p, n in grown.items() if n}, counts)
        so_far = told
    return ", ".join(f"{name} {sum(evidence.truth.counts(name).values())}" for name in counted)


def _records(evidence: Evidence) -> str:
    told = _last(_received(evidence).metric_points("streamgauge.records"), "partition")
    counts = {p: point.value for p, point in told.items() if point.value}
    must_equal("records by partition", counts, evidence.truth.counts())
    must(all(p.monotonic and p.temporality == "CUMULATIVE" for p in told.values()), "no such sum")
    return f"{sum(counts.values())} in {len(counts)} partitions"


def _ages(evidence: Evidence) -> str:
    rows = _received(evidence).histograms("streamgauge.event.age")
    arrival = (row for row in rows if row.attributes["stage"] == "arrival")
    told = _last(arrival, "partition")
    unaged = _last(_received(evidence).metric_points("streamgauge.records.unaged"), "partition")
    for partition, point in told.items():
        counts: dict[int | None, int] = {None: point.zero_count}
        counts |= {point.offset + at: count for at, count in enumerate(point.counts)}
        orders = [order for order in evidence.truth.sent if order.partition == partition]
        without = unaged[partition].value if partition in unaged else 0
        # a sum of seconds in floating point; ages are whole milliseconds
        told_ms = round(1_000 * point.sum, 3)
        must_fit(Told(counts, told_ms, without), AgeBounds.of(orders))
    must_equal("partitions", set(told), set(evidence.truth.counts()))
    return f"{sum(point.count for point in told.values())} ages in {len(told)} partitions"


def _dead_letters(evidence: Evidence) -> str:
    told = _last(
        _received(evidence).metric_points("streamgauge.dead_letters"), "topic", "partition"
    )
    counts = {p: point.value for (_, p), point in told.items() if point.value}
    must_equal("topics", {topic for topic, _ in told}, {evidence.names.dead_letters})
    must_equal("dead letters by partition", counts, evidence.truth.dead_counts())
    return f"{sum(counts.values())} of them"


def _committed(evidence: Evidence) -> str:
    """Each exported offset was committed, and had been begun to be when it was exported."""
    rows = _received(evidence).metric_points("kafka.consumer_group.offset")
    for service, group in evidence.names.groups.items():
        begun = {
            (partition, offset): commit.began_ms
            for commit in reversed(evidence.truth.commits_of(service))
            for partition, offset in commit.offsets.items()
        }
        own = [row for row in rows if row.attributes["group"] == group]
        for row in own:
            place = (row.attributes["partition"], int(row.point.value))
            must(place in begun, f"{group} never committed {place[1]} on partition {place[0]}")
            must(
                begun[place] <= row.point.time_ns / NANOS_PER_MS,
                f"{group}: {place[1]} on partition {place[0]} was told before it was committed",
            )
        told = {p: point.value for p, point in _last(own, "partition").items()}
        must_equal(f"last offsets of {group}", told, evidence.truth.committed(service))
    return f"{len(rows)} points of {len(evidence.names.groups)} groups, each one logged"


def _lag(evidence: Evidence) -> str:
    """The lag of a group at an export is one that the logs allow; billing's was great, and ends."""
    rows = _received(evidence).metric_points("kafka.consumer_group.lag")
    greatest = {}
    for service, group in evidence.names.groups.items():
        exports: dict[int, float] = {}
        for row in rows:
            if row.attributes["group"] == group:
                at_ns = row.point.time_ns
                exports[at_ns] = exports.get(at_ns, 0) + row.point.value
        for at_ns, lag in exports.items():
            low, high = lag_bounds(evidence.truth, service, at_ns // NANOS_PER_MS)
            must(low <= lag <= high, f"{group}: told {lag}, the logs say {low} to {high}")
        counts, done = evidence.truth.counts(), evidence.truth.committed(service)
        left = sum(count - done.get(p, 0) for p, count in counts.items())
        must_equal(f"lag of {group} at the end", exports[max(exports)], left)
        greatest[service] = max(exports.values())
    must(greatest["billing"] > scenario.LAG_FAIL, "the lag of billing was never great")
    said = ", ".join(f"{service} {lag:.0f}" for service, lag in greatest.items())
    return f"{len(rows)} points, the greatest: {said}"


def _spans_of_gauge(evidence: Evidence, topic: str) -> list[Span]:
    return [
        span
        for span in _received(evidence).spans()
        if span.name == f"process {topic}" and "streamgauge.stream" in span.attributes
    ]


def _spans(evidence: Evidence) -> str:
    sampled = {(o.trace_id, o.span_id): o for o in evidence.truth.sent if o.sampled}
    theirs = {(s.trace_id, s.span_id) for s in _received(evidence).spans() if s.kind == "PRODUCER"}
    ours = _spans_of_gauge(evidence, evidence.names.topic)
    for span in ours:
        parent = (span.trace_id, span.parent_span_id)
        must(parent in sampled, f"span {span.span_id} has no sampled order as its parent")
        must(parent in theirs, f"the producer never exported the parent of span {span.span_id}")
        _must_be_of(span, sampled[parent])
    parents = {(span.trace_id, span.parent_span_id) for span in ours}
    must_equal("orders with a span", len(parents), len(sampled))
    must_equal("spans", len(ours), len(sampled))
    return f"{len(ours)} spans, one inside the trace of each sampled order"


def _must_be_of(span: Span, order: Sent) -> None:
    place = (
        span.attributes["messaging.destination.partition.id"],
        span.attributes["messaging.kafka.offset"],
    )
    must_equal(f"span {span.span_id}", place, (str(order.partition), order.offset))
    if order.append_ms is not None:
        must_equal("its start", span.start_ns, order.append_ms * NANOS_PER_MS)


def _exemplars(evidence: Evidence) -> str:
    sampled = {(o.trace_id, o.span_id): o for o in evidence.truth.sent if o.sampled}
    rows = _received(evidence).histograms("streamgauge.event.age")
    exemplars = [exemplar for row in rows for exemplar in row.point.exemplars]
    must(exemplars, "there is no exemplar")
    for exemplar in exemplars:
        order = sampled.get((exemplar.trace_id, exemplar.span_id))
        must(order, f"no sampled order wrote span {exemplar.span_id}")
        if order is not None:
            offset = exemplar.attributes["messaging.kafka.offset"]
            must_equal("offset of an exemplar", offset, order.offset)
            _must_be_age(exemplar.value, order)
    return f"{len(exemplars)} exemplars, each the age of the very order that its trace wrote"


def _must_be_age(seconds: float, order: Sent) -> None:
    ((least_ms, most_ms),) = AgeBounds.of([order]).bounds
    age_ms = round(1_000 * seconds)
    must(least_ms <= age_ms <= most_ms, f"told {age_ms} ms, logged {least_ms} to {most_ms} ms")


def _dead_letter_spans(evidence: Evidence) -> str:
    letters = {(d.trace_id, d.span_id): d for d in evidence.truth.dead if d.sampled}
    origins = {o.trace_id for o in evidence.truth.sent if o.doomed}
    ours = _spans_of_gauge(evidence, evidence.names.dead_letters)
    must_equal("parents", sorted((s.trace_id, s.parent_span_id) for s in ours), sorted(letters))
    for span in ours:
        must_equal("status", span.status, "ERROR")
        must(span.trace_id in origins, f"trace {span.trace_id} is not that of a doomed order")
    return f"{len(ours)} spans with status ERROR, in the traces of the orders that died"


PROOFS = (
    Proof(
        "orders of each phase",
        "OTLP",
        "Between two phases the exported counts are those of the phases before, by partition.",
        _phases,
    ),
    Proof("records", "OTLP", "The last export counts every order.", _records),
    Proof(
        "age histograms",
        "OTLP",
        "Each bucket of each partition is the one that follows from the logged times.",
        _ages,
    ),
    Proof("dead letter counts", "OTLP", "The last export counts every dead letter.", _dead_letters),
    Proof(
        "committed offsets",
        "OTLP",
        "Every exported offset is one that the service had logged, the last one is its last.",
        _committed,
    ),
    Proof(
        "lag", "OTLP", "Each exported lag is one that the logs allow, also the great ones.", _lag
    ),
    Proof(
        "spans",
        "OTLP",
        "Each sampled order has one span, a child of the span that the producer exported.",
        _spans,
    ),
    Proof(
        "exemplars",
        "OTLP",
        "Each exemplar is the age of the order that its trace wrote.",
        _exemplars,
    ),
    Proof(
        "dead letter spans",
        "OTLP",
        "Each sampled dead letter has one, with status ERROR, in the trace of its order.",
        _dead_letter_spans,
    ),
)
