"""Proofs over Dagster's observations: counts, ages, traces and data versions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from streamgauge_demo.proofs.ages import AgeBounds, Told, must_fit
from streamgauge_demo.proofs.lag import lag_bounds
from streamgauge_demo.proofs.proof import Proof, must, must_equal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge_demo.evidence import Evidence
    from streamgauge_demo.parts.dagster_client import Observation
    from streamgauge_demo.truth import Sent


QUANTILE_ERROR: Final = 0.05
"""Of a quantile from a histogram whose buckets are 9 % wide."""


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
        total = sum(records for _, records in _positions(report).values())
        must_equal(f"total of report {number}", report.metadata["records_total"], total)
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


def _plotted(evidence: Evidence) -> str:
    """The numbers that Dagster plots: lag, ages of the period, dead letters, completeness."""
    reports = _reports(evidence, evidence.names.topic)
    positions: dict[int, tuple[int, int]] = {}
    for number, report in enumerate(reports, start=1):
        before, positions = positions, _positions(report)
        came = [
            order
            for order in evidence.truth.sent
            if before.get(order.partition, (0, 0))[0]
            <= order.offset
            < positions[order.partition][0]
        ]
        _must_have_quantiles(number, report, came)
        _must_have_lag(number, report, evidence)
        if number > 1:
            must_equal(f"completeness of report {number}", report.metadata["completeness"], 1)
    letters = sum(report.metadata["dead_letters"] for report in reports)
    must_equal("dead letters of all periods", letters, len(evidence.truth.dead))
    lags = [report.metadata.get("lag") for report in reports]
    return f"lag {', '.join('unknown' if lag is None else str(lag) for lag in lags)}"


def _must_have_quantiles(number: int, report: Observation, came: Sequence[Sent]) -> None:
    for name, q in (("arrival_age_p50_seconds", 0.5), ("arrival_age_p99_seconds", 0.99)):
        if came:
            low, high = AgeBounds.of(came).quantile_seconds(q)
            told = report.metadata[name]
            must(
                low * (1 - QUANTILE_ERROR) <= told <= high * (1 + QUANTILE_ERROR),
                f"{name} of report {number}: told {told}, logged {low} to {high}",
            )


def _must_have_lag(number: int, report: Observation, evidence: Evidence) -> None:
    """It is that of the worst group; unknown before both have committed."""
    if "lag" not in report.metadata:
        must_equal("reports before a lag is known", number <= 2, True)  # noqa: FBT003 - compared
        return
    services = evidence.names.groups
    bounds = [lag_bounds(evidence.truth, name, report.timestamp_ms) for name in services]
    low, high = max(each[0] for each in bounds), max(each[1] for each in bounds)
    told = report.metadata["lag"]
    must(low <= told <= high, f"lag of report {number}: told {told}, logged {low} to {high}")


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
        "plotted numbers",
        "Dagster",
        "Lag, age quantiles and dead letters of each report follow from the logs (5 % on ages).",
        _plotted,
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
