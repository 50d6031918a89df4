"""The last report that Dagster has, read back so that the next one follows it after a restart."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from streamgauge.core.histogram import SIZE, Histogram
from streamgauge.core.report import Position, Report
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.dagster.plain import instant_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.dagster.graphql import AssetKey, LastReported


def resumed_report(last: LastReported, asset_key: AssetKey) -> Report | None:
    """The report as it was acknowledged; None if what Dagster gives back is not whole.

    Its own difference is not known any more, and nobody asks for it.
    """
    try:
        detail = last.detail or {}
        totals = _totals(detail["totals"])
        end_ms = instant_ms(last.period_end)
        return Report(
            stream=last.stream,
            asset_key=asset_key,
            life=last.life,
            sequence=last.sequence,
            start_ms=end_ms,
            end_ms=end_ms,
            totals=totals,
            positions=tuple(Position(*row) for row in detail["positions"]["rows"]),
            difference=totals,
            arrived=0,
            arrived_total=last.arrived_total,
            data_version=last.data_version or "",
            topic_id=UUID(detail["topic_id"]) if "topic_id" in detail else None,
            lacks_causes="causes" in detail.get("left_out", ()),
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


def _totals(told: Mapping[str, Any]) -> Totals:
    """What `detail.stream_detail` or `detail.dead_letter_detail` has made of totals."""
    counts = {name: value for name, value in told.items() if name != "groups"}
    groups = {
        row["group"]: GroupTotals(**_counts(GroupTotals(), row)) for row in told.get("groups", ())
    }
    return Totals(**_counts(Totals(), counts), groups=groups)


def _counts(empty: Totals | GroupTotals, told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were told, each by the type it has in an empty table."""
    return {
        field.name: _count(getattr(empty, field.name), told[field.name])
        for field in fields(empty)
        if field.name in told
    }


def _count(empty: object, told: Any) -> Any:  # noqa: ANN401 - by the field's type
    if isinstance(empty, Histogram):
        return _histogram(told)
    if type(told) is not type(empty):
        raise TypeError(f"{told!r} is no {type(empty).__name__}")
    return told


def _histogram(told: Mapping[str, Any]) -> Histogram:
    counts = np.zeros(SIZE, dtype=np.int64)
    for bucket in told["buckets"].split():
        position, _, count = bucket.partition(":")
        counts[int(position)] = int(count)
    return Histogram(counts, told["sum_ms"])
