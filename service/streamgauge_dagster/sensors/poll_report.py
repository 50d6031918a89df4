"""From what a poll has found to an observation that has the names of a gauge's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.core.lag import worst_first
from streamgauge.core.report import Position, data_version
from streamgauge.core.wording import duration, number
from streamgauge_dagster.presentation import link_entries
from streamgauge_dagster.sensors.retold import (
    POSITIONS_MAX,
    group_table,
    newest_entries,
    versioned,
)
from streamgauge_dagster.sensors.words import counted

if TYPE_CHECKING:
    from streamgauge_dagster.sensors.poll_memory import Polled
    from streamgauge_dagster.sensors.polled import Found, PolledStream, PolledTopic

SOURCE: Final = "poll"
"""Metadata `source` of what a poll observes; what a gauge reports has none."""


@dataclass(frozen=True, slots=True)
class Period:
    """The time between two polls."""

    start_ms: int
    end_ms: int
    offsets: int
    """Offsets that were added: at least as many as records, for markers of transactions have
    offsets too."""


def advance(
    before: Polled, found: Found, new_life: str, now_ms: int
) -> tuple[Polled, Period] | None:
    """What is known of a topic after a poll; None while not all of its partitions are known.

    So the first sight of a partition is no new data. A life ends when the topic was created anew or
    its log was cut off; what was in the log at the first poll, or was left by a cut, is not new.

    Args:
        before: what was known.
        found: by this poll.
        new_life: identity of a life that begins now.
        now_ms: the time.
    """
    anew = before.topic_id is not None and found.topic_id not in {None, before.topic_id}
    cut_off = any(end < before.ends.get(p, 0) for p, end in found.end.items())
    goes_on = bool(before.life) and not anew and not cut_off
    if not goes_on and set(found.partitions) - found.end.keys():
        return None
    known = before.ends if goes_on else ({} if anew else found.end)
    added = sum(end - known.get(p, found.start.get(p, 0)) for p, end in found.end.items())
    ends = {**(before.ends if goes_on else {}), **found.end}
    version = before.data_version
    if added or not goes_on:
        version = data_version(Position(p, end, 0) for p, end in ends.items())
    after = replace(
        before,
        life=before.life if goes_on else new_life,
        topic_id=found.topic_id,
        ends=ends,
        offsets_total=added + (before.offsets_total if goes_on else 0),
        sequence=1 + (before.sequence if goes_on else 0),
        polled_ms=now_ms,
        newest_ms=max(found.newest_ms or 0, before.newest_ms or 0) or None,
        data_version=version,
    )
    start_ms = before.polled_ms if goes_on and before.polled_ms is not None else now_ms
    return after, Period(min(start_ms, now_ms), now_ms, added)


def poll_observation(
    stream: PolledStream, topic: PolledTopic, polled: Polled, period: Period, found: Found
) -> dg.AssetObservation:
    """The observation of one of a stream's topics; what is unknown is left out."""
    groups = [_group_row(name, found) for name in worst_first(found.groups)]
    lags = [lag for lag in (each.lag for each in found.groups.values()) if lag is not None]
    value = dg.MetadataValue
    told: dict[str, dg.MetadataValue[Any]] = {"offsets": value.int(period.offsets)}
    if lags:
        told["lag"] = value.int(max(lags))
    if found.time_lag_seconds:
        told["time_lag_seconds"] = value.float(max(found.time_lag_seconds.values()))
    told["completeness"] = value.float(len(found.end) / len(found.partitions))
    told["offsets_total"] = value.int(polled.offsets_total)
    told |= newest_entries(polled.newest_ms)
    told |= {
        "period_start": value.timestamp(period.start_ms / 1000),
        "period_end": value.timestamp(period.end_ms / 1000),
        "sequence": value.int(polled.sequence),
        "stream": value.text(stream.name),
        "life": value.text(polled.life),
        "source": value.text(SOURCE),
    }
    if found.trouble:
        told["trouble"] = value.text("; ".join(found.trouble))
    left_out = {
        "groups": found.groups_left_out,
        "positions": max(0, len(polled.ends) - POSITIONS_MAX),
    }
    rows = [list(each) for each in sorted(polled.ends.items())[:POSITIONS_MAX]]
    detail = {
        "positions": {"columns": ["partition", "next_offset"], "rows": rows},
        "groups": groups,
        "left_out": {name: count for name, count in left_out.items() if count},
    }
    return dg.AssetObservation(
        topic.asset_key,
        description=_sentence(period, groups),
        metadata={
            **link_entries(stream.links),
            **told,
            **group_table(groups, found.groups_left_out),
            "detail": value.json(detail),
        },
        tags=versioned(polled.data_version),
    )


def _group_row(name: str, found: Found) -> dict[str, Any]:
    view, seconds = found.groups[name], found.time_lag_seconds.get(name)
    return {
        "group": name,
        "status": view.status.value,
        "lag": view.lag,
        "lag_bound": view.lag_bound.value,
        "time_lag_seconds": seconds,
        "time_lag_bound": "unknown" if seconds is None else "exact",
        "as_of_ms": view.as_of_ms,
    }


def _sentence(period: Period, groups: list[dict[str, Any]]) -> str:
    """What came, and who is how far behind."""
    text = f"{counted(period.offsets, 'offsets')} in {duration(period.end_ms - period.start_ms)}"
    if groups and groups[0]["lag"] is not None:
        bound = "at most " if groups[0]["lag_bound"] == "upper" else ""
        behind = groups[0]["time_lag_seconds"]
        text += f"; {groups[0]['group']} has {bound}{counted(groups[0]['lag'], 'records')} to read"
        text += f" ({number(behind)} s behind)" if behind else ""
    return f"{text}."
