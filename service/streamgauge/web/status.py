"""The status document: what snapshots look like as JSON; its contract is docs/status.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from streamgauge.core.histogram import FIRST_INDEX, SCALE, UNDER, Histogram
from streamgauge.core.totals import AGES_OF_A_GROUP
from streamgauge.model import Blind, Level

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streamgauge.core.growing import Growing
    from streamgauge.core.snapshot import (
        CauseView,
        DeadLetterTopicView,
        PartitionView,
        Snapshot,
        Verdict,
        Window,
    )
    from streamgauge.model import SinkHealth

SCHEMA: Final = 1
"""Grows when something that a reader may rely on changes; new keys come without it."""
STALE_AFTER_MS: Final = 30_000
"""Age from which on a snapshot is no longer fresh: the age at which completeness drops."""
_JSON_ALREADY: Final = {int, str, bool}
_WORST_LAST: Final = tuple(Level)


def status(
    snapshots: Iterable[Snapshot], sinks: Iterable[SinkHealth], now_ms: int
) -> dict[str, Any]:
    """The document as values that JSON knows; None is unknown.

    A snapshot that is no longer fresh is told as what it is: blind, without completeness and
    without a passing check.
    """
    health = {sink.name: _plain(sink, but=("name",)) for sink in sinks}
    return {
        "schema": SCHEMA,
        "as_of_ms": now_ms,
        "streams": {snapshot.stream: _stream(snapshot, health, now_ms) for snapshot in snapshots},
    }


def totals(table: Growing, without_ages: Collection[str] = ()) -> dict[str, Any]:
    """Every field of a table by its type; a histogram inside a nested table is None while empty.

    Of these groups no processed ages are kept: what is not known is None.
    """
    told = {f.name: _total(getattr(table, f.name)) for f in fields(table)}
    for group in told.get("groups", {}).keys() & without_ages:
        told["groups"][group] |= dict.fromkeys(AGES_OF_A_GROUP)
    return told


def histogram(ages: Histogram) -> dict[str, Any]:
    """Ages in OTLP's layout: bucket i of `bucket_counts` is the one with index `offset` + i.

    Source: OpenTelemetry protocol, metrics.proto, "ExponentialHistogramDataPoint". Ages above the
    layout are counted in index 144, the first one after it.
    """
    counts = ages.counts[UNDER + 1 :]
    used = np.flatnonzero(counts)
    return {
        "count": ages.count,
        "sum_seconds": ages.sum_ms / 1000,
        "p50_seconds": ages.quantile_seconds(0.5),
        "p90_seconds": ages.quantile_seconds(0.9),
        "p99_seconds": ages.quantile_seconds(0.99),
        "scale": SCALE,
        "zero_count": int(ages.counts[UNDER]),
        "offset": FIRST_INDEX,
        "bucket_counts": counts[: int(used[-1]) + 1 if used.size else 0].tolist(),
    }


def _stream(snapshot: Snapshot, health: dict[str, Any], now_ms: int) -> dict[str, Any]:
    stale = now_ms - snapshot.as_of_ms > STALE_AFTER_MS
    unseen = Blind(f"stream {snapshot.stream}", snapshot.as_of_ms, "nothing was told since then")
    return {
        "topic": snapshot.topic,
        "asset_key": list(snapshot.asset_key),
        "life": snapshot.life,
        "life_start_ms": snapshot.life_start_ms,
        "life_reason": snapshot.life_reason,
        "as_of_ms": snapshot.as_of_ms,
        "last_record_ms": snapshot.last_record_ms,
        "resolution_ms": snapshot.resolution_ms,
        "processed_resolution_ms": snapshot.processed_resolution_ms,
        "window_ms": snapshot.window_ms,
        "watched_groups": list(snapshot.watched_groups),
        "completeness": 0.0 if stale else _plain(snapshot.completeness),
        "blind": _plain((*snapshot.blind, unseen) if stale else snapshot.blind),
        "partitions": _partitions(snapshot.partitions),
        "groups": _plain(snapshot.groups),
        "dead_letters": {
            view.topic: _dead_letters(view, snapshot.dead_letter_partitions)
            for view in snapshot.dead_letters
        },
        "last_window": _window(snapshot.last_window, snapshot.groups_without_ages),
        "state": _plain(snapshot.keeping),
        "ledger": _plain(snapshot.ledger),
        "first_sightings": _plain(snapshot.sightings),
        "totals": totals(snapshot.totals, snapshot.groups_without_ages),
        "checks": _checks(snapshot, stale=stale),
        "sinks": health,
    }


def _dead_letters(view: DeadLetterTopicView, partitions: Iterable[PartitionView]) -> dict[str, Any]:
    return {
        "asset_key": list(view.asset_key),
        "dead_letters": view.totals.dead_letters,
        "recent": view.recent,
        "retrying": view.totals.retrying,
        "retrying_recent": view.retrying_recent,
        "last_arrival_ms": view.last_arrival_ms,
        "causes": [_cause(cause) for cause in view.causes],
        "other_causes": view.totals.other_causes,
        "other_recent": view.other_recent,
        "new_causes": view.new_causes,
        "death_ages": histogram(view.totals.death_ages),
        "append_to_death": histogram(view.totals.append_to_death),
        "origins": _plain(view.origins),
        "partitions": _partitions(part for part in partitions if part.topic == view.topic),
    }


def _cause(cause: CauseView) -> dict[str, Any]:
    origin = cause.origin
    where = None if origin is None else _plain(origin._asdict())
    return {**_plain(cause, but=("origin",)), "origin": where}


def _partitions(views: Iterable[PartitionView]) -> dict[str, Any]:
    return {
        str(view.partition): _plain(view, but=("topic", "partition", "totals", "topic_id"))
        for view in views
    }


def _window(window: Window | None, without_ages: frozenset[str]) -> dict[str, Any] | None:
    if window is None:
        return None
    return {**_plain(window, but=("totals",)), "totals": totals(window.totals, without_ages)}


def _checks(snapshot: Snapshot, *, stale: bool) -> dict[str, Any]:
    """Verdicts by name; where several assets have a check of that name, the worst one tells it."""
    named: dict[str, list[dict[str, Any]]] = {}
    for verdict in sorted(snapshot.verdicts, key=_badness, reverse=True):
        told = _plain(verdict, but=("check",))
        if stale and verdict.level is Level.PASS:
            reason = "not judged since then"
            told |= {"level": Level.UNKNOWN.value, "reason": reason, "since_ms": snapshot.as_of_ms}
        named.setdefault(verdict.check, []).append(told)
    return {name: {**worst, "others": others} for name, (worst, *others) in named.items()}


def _badness(verdict: Verdict) -> int:
    return _WORST_LAST.index(verdict.level)


def _total(value: Any, *, nested: bool = False) -> Any:  # noqa: ANN401 - a field of a table
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, Histogram):
        return None if nested and not value.count else histogram(value)
    if isinstance(value, dict):
        return {name: _total(inner, nested=True) for name, inner in value.items()}
    return {f.name: _total(getattr(value, f.name), nested=nested) for f in fields(value)}


def _plain(value: Any, but: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - a field of a view
    """Views as objects, keys as texts; a number that is none (NaN, infinity) is unknown."""
    if isinstance(value, np.generic):  # an array's element is no number for JSON
        value = value.item()
    if value is None or type(value) in _JSON_ALREADY:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    names = value.__dataclass_fields__
    return {name: _plain(getattr(value, name)) for name in names if name not in but}
