"""The one sentence that says how a stream or a dead letter topic does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.lag import worst_first
from streamgauge.core.wording import duration, moment, number
from streamgauge.dagster.plain import bounded
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.report import Report
    from streamgauge.core.snapshot import CauseView, DeadLetterTopicView, Snapshot

CAUSES_NAMED: Final = 3
"""Causes that the sentence about a dead letter topic names."""
CLASS_MAX: Final = 64
NAME_MAX: Final = 48
"""Characters of a group or a message in it."""
REASON_MAX: Final = 100


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


def dead_letter_sentence(report: Report, view: DeadLetterTopicView) -> str:
    """What arrived in a dead letter topic, why it died and how late, and what is tried again."""
    period = report.difference
    text = f"{_counted(report.arrived, 'dead letter')} in {_period(report)}"
    if report.arrived_total != report.arrived:
        text += f", {report.arrived_total:,} since counting began"
    causes = ", ".join(_causes(report, view))
    parts = [f"{text}: {causes}" if causes else text]
    if period.retrying:
        parts.append(f"{_counted(period.retrying, 'record')} being tried again")
    age_seconds = period.death_ages.quantile_seconds(0.5)
    if age_seconds is not None:
        parts.append(f"half died within {_seconds(age_seconds)} of the event")
    if view.last_arrival_ms is not None:
        parts.append(f"the newest came at {moment(view.last_arrival_ms)}")
    return f"{'; '.join(parts)}."


def _causes(report: Report, view: DeadLetterTopicView) -> Iterator[str]:
    """The most frequent causes of the period, and how many dead letters have others."""
    counts = report.difference.causes
    recent = {cause.key: cause for cause in view.causes}
    named = sorted(view.cause_names.keys() & counts.keys(), key=lambda key: (-counts[key], key))
    told = [key for key in named if counts[key]][:CAUSES_NAMED]
    for key in told:
        yield f"{counts[key]:,} {_cause(view.cause_names[key], recent.get(key))}"
    others = report.arrived - sum(counts[key] for key in told)
    if told and others:
        yield f"{others:,} of other causes"


def _cause(name: CauseName, recent: CauseView | None) -> str:
    """As `TimeoutException "no answer" of billing (looks like an outage: 13 keys, one cause)`."""
    text = bounded(name.error_class, CLASS_MAX)
    if name.message is not None:
        text += f' "{bounded(name.message, NAME_MAX)}"'
    if name.consumer_group is not None:
        text += f" of {bounded(name.consumer_group, NAME_MAX)}"
    reason = None if recent is None or not recent.recent else recent.reason
    return text if reason is None else f"{text} ({bounded(reason, REASON_MAX)})"


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
