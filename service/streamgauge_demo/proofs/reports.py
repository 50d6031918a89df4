"""Proofs over Dagster's observations: counts, ages, traces and data versions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from streamgauge_demo.proofs.ages import AgeBounds, Told, must_fit
from streamgauge_demo.proofs.proof import Proof, must, must_equal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge_demo.evidence import Evidence
    from streamgauge_demo.parts.dagster_client import Observation


def _reports(evidence: Evidence, topic: str) -> Sequence[Observation]:
    found = evidence.observations[topic]
    must(found, f"Dagster has no observation of {topic}")
    return found


def _positions(report: Observation) -> dict[int, tuple[int, int]]:
    """Next offset and records by partition."""
    positions = report.metadata["detail"]["positions"]
    return {partition: (offset, records) for partition, offset, records in positions["rows"]}


def _every_order_once(evidence: Evidence) -> str:
    last, counts = _reports(evidence, evidence.names.topic)[-1], evidence.truth.counts()
    told = {p: records for p, (_, records) in _positions(last).items() if records}
    must_equal("records by partition", told, counts)
    must_equal("records", last.metadata["records_total"], len(evidence.truth.sent))
    return f"{last.metadata['records_total']} orders, partition by partition {counts}"


def _every_report(evidence: Evidence) -> str:
    reports = _reports(evidence, evidence.names.topic)
    for number, report in enumerate(reports, start=1):
        for partition, (next_offset, records) in _positions(report).items():
            below = [o for o in evidence.truth.sent
                     if o.partition == partition and o.offset < next_offset]  # fmt: skip
            must_equal(f"report {number}, partition {partition}", records, len(below))
    return f"{len(reports)} reports, each exact up to its own positions"


def _reports_add_up(evidence: Evidence) -> str:
    reports = [each.metadata for each in _reports(evidence, evidence.names.topic)]
    must_equal("lives", len({report["life"] for report in reports}), 1)
    must_equal("total of the first", reports[0]["records_total"], reports[0]["records"])
    for before, after in pairwise(reports):
        must_equal("next sequence", after["sequence"], before["sequence"] + 1)
        must_equal("begin of the next period", after["period_start"], before["period_end"])
        grown = after["records_total"] - before["records_total"]
        must_equal(f"records of report {after['sequence']}", after["records"], grown)
    return f"{' + '.join(str(report['records']) for report in reports)} = {_total(reports)}"


def _total(reports: Sequence[Mapping[str, Any]]) -> int:
    total: int = reports[-1]["records_total"]
    return total


def _ages(evidence: Evidence) -> str:
    totals = _reports(evidence, evidence.names.topic)[-1].metadata["detail"]["totals"]
    buckets = totals["arrival_ages"]["buckets"].split()
    counts: dict[int | None, int] = {
        _index(int(at)): int(n) for at, n in (bucket.split(":") for bucket in buckets)
    }
    told = Told(counts, totals["arrival_ages"]["sum_ms"], totals["unaged"])
    return must_fit(told, AgeBounds.of(evidence.truth.sent))


def _index(position: int) -> int | None:
    """OTLP's index of a position of docs/dagster.md; None for the ages of 0."""
    return None if position == 0 else position - 81


def _event_times(evidence: Evidence) -> str:
    totals = _reports(evidence, evidence.names.topic)[-1].metadata["detail"]["totals"]
    must_equal("orders by source", totals["event_times"], {"header": len(evidence.truth.sent)})
    must_equal("unreadable times", totals["unreadable_event_times"], {})
    return f"{totals['event_times']['header']} times from the header, none unreadable"


def _traced(evidence: Evidence) -> str:
    totals = _reports(evidence, evidence.names.topic)[-1].metadata["detail"]["totals"]
    sampled = sum(order.sampled for order in evidence.truth.sent)
    must_equal("traced", totals["traced"], len(evidence.truth.sent))
    must_equal("sampled", totals["sampled"], sampled)
    return f"{totals['traced']} traced, {sampled} of them sampled"


def _dead_letters(evidence: Evidence) -> str:
    last = _reports(evidence, evidence.names.dead_letters)[-1]
    told = {p: records for p, (_, records) in _positions(last).items() if records}
    must_equal("dead letters by partition", told, evidence.truth.dead_counts())
    must_equal("dead letters", last.metadata["dead_letters_total"], len(evidence.truth.dead))
    doomed = {(o.partition, o.offset) for o in evidence.truth.sent if o.doomed}
    died = {(d.origin_partition, d.origin_offset) for d in evidence.truth.dead}
    must_equal("origins of the dead letters", died, doomed)
    by = {s: sum(d.service == s for d in evidence.truth.dead) for s in evidence.names.groups}
    return " and ".join(f"{count} by {service}" for service, count in by.items())


def _data_versions(evidence: Evidence) -> str:
    reports = _reports(evidence, evidence.names.topic)
    must(all(report.data_version for report in reports), "a report has no data version")
    for before, after in pairwise(reports):
        changed = before.data_version != after.data_version
        must_equal(
            f"a new data version with {after.metadata['records']} new records",
            changed,
            after.metadata["records"] > 0,
        )
    return f"{len({report.data_version for report in reports})} in {len(reports)} reports"


PROOFS = (
    Proof(
        "every order once",
        "Dagster",
        "The last report has as many records in each partition as the producer logged.",
        _every_order_once,
    ),
    Proof(
        "every report exact",
        "Dagster",
        "Each report counts just the orders that the producer logged below its positions.",
        _every_report,
    ),
    Proof(
        "reports add up",
        "Dagster",
        "Periods and sequences join without a gap, and their records add up to the total.",
        _reports_add_up,
    ),
    Proof(
        "arrival ages",
        "Dagster",
        "Each bucket of the ages is the one that follows from the logged times.",
        _ages,
    ),
    Proof(
        "event times",
        "Dagster",
        "Every order's time was taken from its header.",
        _event_times,
    ),
    Proof(
        "traced orders",
        "Dagster",
        "As many orders are traced and sampled as the producer logged.",
        _traced,
    ),
    Proof(
        "dead letters",
        "Dagster",
        "As many dead letters as the services logged, one for each doomed order.",
        _dead_letters,
    ),
    Proof(
        "data version",
        "Dagster",
        "It changes with a report that has new orders, and with no other.",
        _data_versions,
    ),
)
