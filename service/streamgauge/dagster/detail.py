"""The JSON entry of an observation: everything of a report that is too much to plot."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from streamgauge.core.histogram import Histogram
from streamgauge.core.lag import worst_first
from streamgauge.core.totals import AGES_OF_A_GROUP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from streamgauge.core.growing import Growing
    from streamgauge.core.report import Position, Report
    from streamgauge.core.snapshot import CauseView, DeadLetterTopicView, GroupView, Snapshot
    from streamgauge.core.totals import GroupTotals, Totals


@dataclass(frozen=True, slots=True)
class Room:
    """How many rows of each kind a detail may have."""

    positions: int
    groups: int
    causes: int
    blind: int = 100


ROOMS: Final = (
    Room(positions=10_000, groups=1_000, causes=1_000),
    Room(positions=10_000, groups=100, causes=100),
    Room(positions=10_000, groups=10, causes=100),
    Room(positions=2_000, groups=10, causes=20),
    Room(positions=200, groups=5, causes=5),
    Room(positions=0, groups=0, causes=0, blind=0),
)
"""Steps in which a detail shrinks until the payload is small enough; the last one always is."""

COUNTS_OF_DEAD_LETTERS: Final = (
    "dead_letters",
    "retrying",
    "causes",
    "other_causes",
    "death_ages",
    "append_to_death",
    "negative",
    "undecodable",
    "lost",
)
"""Fields of `Totals` that a dead letter topic can count."""


def stream_detail(report: Report, snapshot: Snapshot, room: Room) -> dict[str, Any]:
    """What is known of a stream; `left_out` counts what the room has no place for."""
    seen = worst_first(snapshot.groups)
    groups = [*seen, *sorted(report.totals.groups.keys() - seen)]
    told, window = groups[: room.groups], snapshot.last_window
    blind, without_ages = snapshot.blind[: room.blind], snapshot.groups_without_ages
    causes = _causes_told(report, snapshot.dead_letters)
    some = causes[: room.causes]
    return {
        "totals": _counts(report.totals, some)
        | {"groups": _group_totals(report.totals, told, without_ages)},
        "difference": _counts(report.difference, some)
        | {"groups": _group_totals(report.difference, told, without_ages)},
        "positions": _positions(report.positions, room),
        "topic_id": None if report.topic_id is None else str(report.topic_id),
        "groups": [
            {"group": name, **_group(snapshot.groups[name])}
            for name in told
            if name in snapshot.groups
        ],
        "causes": [row for view in snapshot.dead_letters for row in _causes(view, some)],
        "last_window": window
        and {
            "start_ms": window.start_ms,
            "end_ms": window.end_ms,
            "completeness": window.completeness,
            "totals": _counts(window.totals, some)
            | {"groups": _group_totals(window.totals, told, without_ages)},
        },
        "blind": [{"what": b.what, "since_ms": b.since_ms, "reason": b.reason} for b in blind],
        "left_out": _left_out(
            positions=len(report.positions) - room.positions,
            groups=len(groups) - room.groups,
            causes=len(causes) - room.causes,
            blind=len(snapshot.blind) - room.blind,
        ),
    }


def dead_letter_detail(report: Report, view: DeadLetterTopicView, room: Room) -> dict[str, Any]:
    """What is known of a dead letter topic; `left_out` counts what the room has no place for."""
    causes = _causes_told(report, (view,))
    some = causes[: room.causes]
    return {
        "totals": _dead_letter_counts(report.totals, some),
        "difference": _dead_letter_counts(report.difference, some),
        "positions": _positions(report.positions, room),
        "topic_id": None if report.topic_id is None else str(report.topic_id),
        "causes": [
            row | {"in_period": report.difference.causes.get(row["key"], 0)}
            for row in _causes(view, some)
        ],
        "left_out": _left_out(
            positions=len(report.positions) - room.positions, causes=len(causes) - room.causes
        ),
    }


def histogram_text(ages: Histogram) -> str:
    """The counts as `position:count`, separated by spaces, without the empty buckets.

    Positions are those of the layout in `streamgauge.core.histogram`: 0 holds ages of 0 ms, 225 the
    ages above 2**18 s, and position p between them is index p - 81 of OpenTelemetry's exponential
    histogram at scale 3, the ages in (2**((p - 81)/8), 2**((p - 80)/8)] seconds.
    """
    return " ".join(f"{at}:{ages.counts[at]}" for at in np.flatnonzero(ages.counts))


def _counts(table: Growing, causes: Collection[str] = ()) -> dict[str, Any]:
    """Each field of the table by its type, but for the groups, which have tables of their own."""
    counts = {f.name: _count(getattr(table, f.name)) for f in fields(table) if f.name != "groups"}
    if "causes" in counts:
        counts["causes"] = {key: counts["causes"][key] for key in causes if key in counts["causes"]}
    return counts


def _count(value: int | Histogram | dict[str, int]) -> Any:  # noqa: ANN401 - by the field's type
    if isinstance(value, Histogram):
        return {"sum_ms": value.sum_ms, "buckets": histogram_text(value)}
    return value


def _causes_told(report: Report, views: Iterable[DeadLetterTopicView]) -> list[str]:
    """Keys of all causes: those of the period first, the most dead letters first."""
    period, totals = report.difference.causes, report.totals.causes
    keys = totals.keys() | {cause.key for view in views for cause in view.causes}
    return sorted(keys, key=lambda key: (-period.get(key, 0), -totals.get(key, 0), key))


def _causes(view: DeadLetterTopicView, told: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What the keys in the totals are called, and of the recent causes what is known of them."""
    recent = {cause.key: cause for cause in view.causes}
    for key in told:
        cause, name = recent.get(key), view.cause_names.get(key)
        if cause is not None:
            yield {"topic": view.topic, **_cause(cause)}
        elif name is not None:
            total = view.totals.causes.get(key)
            yield {"topic": view.topic, **name._asdict(), "total": total}


def _cause(cause: CauseView) -> dict[str, Any]:
    origin = cause.origin
    return asdict(cause) | {"origin": None if origin is None else origin._asdict()}


def _group_totals(
    totals: Totals, told: Iterable[str], without_ages: Collection[str]
) -> list[dict[str, Any]]:
    """A list, for the names come from outside and are cut like any text."""
    return [
        {"group": name, **_group_counts(totals.groups[name], with_ages=name not in without_ages)}
        for name in told
        if name in totals.groups
    ]


def _group_counts(table: GroupTotals, *, with_ages: bool) -> dict[str, Any]:
    """What is not kept of a group is left out."""
    counts = _counts(table)
    return {name: counts[name] for name in counts if with_ages or name not in AGES_OF_A_GROUP}


def _dead_letter_counts(totals: Totals, causes: Collection[str]) -> dict[str, Any]:
    """What a dead letter topic can count."""
    counts = _counts(totals, causes)
    return {name: counts[name] for name in COUNTS_OF_DEAD_LETTERS}


def _positions(positions: Sequence[Position], room: Room) -> dict[str, Any]:
    told = positions[: room.positions]
    return {
        "columns": ["partition", "next_offset", "records"],
        "rows": [[row.partition, row.next_offset, row.records] for row in told],
    }


def _group(view: GroupView) -> dict[str, Any]:
    return {
        "status": view.status.value,
        "lag": view.lag,
        "lag_bound": view.lag_bound.value,
        "time_lag_seconds": view.time_lag_seconds,
        "time_lag_bound": view.time_lag_bound.value,
        "as_of_ms": view.as_of_ms,
        "status_reason": view.status_reason,
        "lost": view.lost,
        "pace": asdict(view.pace),
        "forecast": asdict(view.forecast),
    }


def _left_out(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 0}
