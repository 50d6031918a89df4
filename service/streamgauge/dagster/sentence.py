"""The one sentence that says how a stream or a dead letter topic does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.lag import worst_first
from streamgauge.core.wording import duration, moment, number
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.report import Report
    from streamgauge.core.snapshot import Snapshot


def stream_sentence(report: Report, snapshot: Snapshot) -> str:
    """How a stream does: what came and how old it was, who is behind, what died, what is unseen."""
    parts = [_arrivals(report), *_behind(snapshot)]
    if report.difference.dead_letters:
        parts.append(f"{_counted(report.difference.dead_letters, 'dead letter')} arrived")
    if report.difference.lost:
        parts.append(f"{_counted(report.difference.lost, 'offset')} deleted unread")
    if snapshot.blind:
        first, *more = snapshot.blind
        also = f" and {len(more)} more" if more else ""
        parts.append(f"blind about {first.what}{also} since {moment(first.since_ms)}")
    return f"{'; '.join(parts)}."


def dead_letter_sentence(report: Report, last_arrival_ms: int | None) -> str:
    """What arrived in a dead letter topic."""
    text = f"{_counted(report.arrived, 'dead letter')} in {_period(report)}"
    if report.arrived_total != report.arrived:
        text += f", {report.arrived_total:,} since counting began"
    if last_arrival_ms is not None:
        text += f"; the newest came at {moment(last_arrival_ms)}"
    return f"{text}."


def _arrivals(report: Report) -> str:
    text = f"{_counted(report.arrived, 'record')} in {_period(report)}"
    age_seconds = report.difference.arrival_ages.quantile_seconds(0.99)
    if age_seconds is not None:
        text += f" with an arrival age p99 of {_seconds(age_seconds)}"
    return text


def _behind(snapshot: Snapshot) -> Iterator[str]:
    """The worst group, unless all are known to have read everything."""
    order = worst_first(snapshot.groups)
    unknown = [name for name in order if snapshot.groups[name].lag is None]
    if order and order[0] not in unknown:
        name, view = order[0], snapshot.groups[order[0]]
        bound = {LagBound.UPPER: "at most ", LagBound.LOWER: "at least "}.get(view.lag_bound, "")
        text = f"{name} has {bound}{_counted(view.lag or 0, 'record')} still to read"
        if view.time_lag_seconds is not None:
            text += f" ({_seconds(view.time_lag_seconds)} behind)"
        if view.status not in {GroupStatus.OK, GroupStatus.UNKNOWN}:
            text += f" and is {view.status.value}"
        yield text
    if len(unknown) == 1:
        yield f"the lag of {unknown[0]} is unknown"
    elif unknown:
        yield f"the lag of {len(unknown)} groups is unknown"


def _period(report: Report) -> str:
    return duration(report.end_ms - report.start_ms)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _seconds(seconds: float) -> str:
    return f"{number(seconds)} s" if seconds < 120 else duration(round(seconds * 1000))
