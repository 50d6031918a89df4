"""The bodies of requests that report to Dagster, made of reports, snapshots and verdicts.

Wire format: `POST /report_asset_observation/` and `POST /report_asset_check/` of dagster-webserver
(dagster_webserver/external_assets.py, the same from 1.8 to 1.13). Dagster plots every number by its
label; an unknown value is left out, so that its plot has a gap.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from streamgauge.dagster.detail import ROOMS, dead_letter_detail, stream_detail
from streamgauge.dagster.plain import as_json, bounded, instant, plain
from streamgauge.dagster.sentence import dead_letter_sentence, stream_sentence
from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamgauge.core.histogram import Histogram
    from streamgauge.core.report import Report
    from streamgauge.core.snapshot import DeadLetterTopicView, Snapshot, Verdict
    from streamgauge.dagster.detail import Room

PAYLOAD_MAX: Final = 256 * 1024
"""Bytes of one observation on the wire."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The body of one request."""

    body: Mapping[str, Any]
    left_out: int
    """Rows that the size limit left out of the detail."""


def observation(report: Report, snapshot: Snapshot) -> Payload:
    """The observation of a stream."""
    period, groups = report.difference, snapshot.groups.values()
    entries: dict[str, float | str | None] = {
        "records": report.arrived,
        "records_per_second": _per_second(report),
        "arrival_age_p50_seconds": _quantile(period.arrival_ages, 0.5),
        "arrival_age_p99_seconds": _quantile(period.arrival_ages, 0.99),
        "processed_age_p99_seconds": _greatest(
            _quantile(each.aged, 0.99) for each in period.groups.values()
        ),
        "lag": _greatest(view.lag for view in groups),
        "time_lag_seconds": _greatest(view.time_lag_seconds for view in groups),
        "dead_letters": period.dead_letters,
        "unaged": period.unaged,
        "traced_share": _rounded(period.traced / report.arrived, 6) if report.arrived else None,
        "completeness": snapshot.completeness,
        "records_total": report.arrived_total,
        "dead_letters_total": report.totals.dead_letters,
        "last_message_timestamp": _epoch_seconds(snapshot.last_record_ms),
        "life_reason": snapshot.life_reason,
    }
    return _payload(
        report,
        stream_sentence(report, snapshot),
        entries,
        lambda room: stream_detail(report, snapshot, room),
    )


def dead_letter_observation(
    report: Report, view: DeadLetterTopicView, share_percent: float | None = None
) -> Payload:
    """The observation of a dead letter topic.

    Args:
        report: of the topic.
        view: what the snapshot of the report knows of it.
        share_percent: dead letters in percent of the stream's records; None is unknown.
    """
    period = report.difference
    entries = {
        "dead_letters": report.arrived,
        "retrying": period.retrying,
        "causes": sum(count > 0 for count in period.causes.values()),
        "dead_letter_share_percent": None if share_percent is None else _rounded(share_percent, 6),
        "age_at_death_p50_seconds": _quantile(period.death_ages, 0.5),
        "age_at_death_p99_seconds": _quantile(period.death_ages, 0.99),
        "append_to_death_p50_seconds": _quantile(period.append_to_death, 0.5),
        "dead_letters_total": report.arrived_total,
        "last_message_timestamp": _epoch_seconds(view.last_arrival_ms),
    }
    return _payload(
        report,
        dead_letter_sentence(report, view),
        entries,
        lambda room: dead_letter_detail(report, view, room),
    )


def check_evaluation(verdict: Verdict, snapshot: Snapshot) -> Payload:
    """The evaluation of a check; whatever is not a pass has not passed."""
    metadata = {
        "reason": verdict.reason,
        "level": verdict.level.value,
        "value": verdict.value,
        "limit": verdict.limit,
        "unit": verdict.unit,
        "since": instant(verdict.since_ms),
        "as_of": instant(snapshot.as_of_ms),
        "stream": snapshot.stream,
        "life": snapshot.life,
        "breaches": {name: asdict(each) for name, each in verdict.breaches.items()} or None,
    }
    body = {
        "asset_key": list(verdict.asset_key),
        "check_name": verdict.check,
        "passed": verdict.level is Level.PASS,
        "severity": "ERROR" if verdict.level is Level.FAIL else "WARN",
        "metadata": plain(metadata),
    }
    return Payload(body, left_out=0)


def _payload(
    report: Report,
    sentence: str,
    entries: Mapping[str, float | str | None],
    detail: Callable[[Room], dict[str, Any]],
) -> Payload:
    identity = {
        "period_start": instant(report.start_ms),
        "period_end": instant(report.end_ms),
        "sequence": report.sequence,
        "stream": report.stream,
        "life": report.life,
    }

    def with_detail(room: Room) -> Payload:
        found = detail(room)
        body = {
            "asset_key": list(report.asset_key),
            "data_version": report.data_version,
            "description": bounded(sentence),
            "metadata": plain({**entries, **identity, "detail": found}),
        }
        return Payload(body, sum(found["left_out"].values()))

    payloads = (with_detail(room) for room in ROOMS[:-1])
    fitting = (each for each in payloads if len(as_json(each.body)) <= PAYLOAD_MAX)
    return next(fitting, None) or with_detail(ROOMS[-1])


def _per_second(report: Report) -> float | None:
    elapsed_ms = report.end_ms - report.start_ms
    return _rounded(report.arrived * 1000 / elapsed_ms, 6) if elapsed_ms else None


def _quantile(ages: Histogram, q: float) -> float | None:
    """In seconds, with the digits that a bucket of the histogram has."""
    seconds = ages.quantile_seconds(q)
    return None if seconds is None else _rounded(seconds, 3)


def _rounded(value: float, digits: int) -> float:
    """To so many significant digits, because Dagster shows all there are; never 0 unless it is."""
    return float(f"{value:.{digits}g}")


def _greatest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _epoch_seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / 1000
