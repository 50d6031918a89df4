"""From a status to observations under the names of a gauge's own reports, with types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import dagster as dg

from streamgauge.core.lag import greatest_first
from streamgauge.core.report import Position, data_version
from streamgauge.core.wording import duration
from streamgauge.model import LagBound
from streamgauge_dagster.presentation import link_entries
from streamgauge_dagster.sensors.metadata import integer
from streamgauge_dagster.sensors.retold import (
    POSITIONS_MAX,
    group_table,
    newest_entries,
    versioned,
)
from streamgauge_dagster.sensors.words import counted
from streamgauge_dagster.status.document import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge_dagster.sensors.reported import Report
    from streamgauge_dagster.status.document import DeadLetterTopic, Group, Topic

    Metadata: TypeAlias = dict[str, dg.MetadataValue[Any]]

SOURCE: Final = "status"
"""Metadata `source` of these observations; what a gauge reports itself has none."""
GROUPS_MAX: Final = 100
"""Consumer groups in the detail."""
BLIND_MAX: Final = 100
"""What the gauge cannot vouch for, in the detail."""
_BOUNDS: Final[Mapping[str, str]] = {
    LagBound.UPPER: "at most ",
    LagBound.LOWER: "at least ",
    LagBound.UNKNOWN: "at least ",
}


def why_not(stream: Stream, topic: Topic, before: Report | None) -> str | None:
    """Why there is nothing to observe; None if there is.

    Args:
        stream: as it is now.
        topic: the stream itself, or one of its dead letter topics.
        before: the last report of this topic's asset.
    """
    if not topic.partitions:  # no data version then, and Dagster takes its absence for new data
        return "no offset of its topic is known yet"
    if before is None or before.life != stream.life:
        return None
    if stream.as_of_ms / 1000 <= before.ended_seconds:
        return "nothing was measured since the last report"
    if topic.total < before.total:
        return f"the last report counts {before.total:,}, the status {topic.total:,}"
    return None


def observation(
    name: str, stream: Stream, topic: Topic, before: Report | None, links: Mapping[str, str]
) -> dg.AssetObservation:
    """The observation of one topic; what is unknown is left out.

    Args:
        name: of the stream.
        stream: as it is now.
        topic: the stream itself, or one of its dead letter topics.
        before: the last report of this topic's asset.
        links: addresses by name.
    """
    before = before if before is not None and before.life == stream.life else None
    arrived = topic.total - (before.total if before else 0)
    start_seconds = before.ended_seconds if before else stream.life_start_ms / 1000
    end_seconds = max(start_seconds, stream.as_of_ms / 1000)
    elapsed_seconds = end_seconds - start_seconds
    value = dg.MetadataValue
    told: Metadata = {"life": value.text(stream.life), "source": value.text(SOURCE)}
    told |= {
        "period_start": value.timestamp(start_seconds),
        "period_end": value.timestamp(end_seconds),
        "sequence": value.int(1 + (before.sequence if before else 0)),
        "stream": value.text(name),
    }
    if isinstance(topic, Stream):
        numbers, detail = _of_stream(topic, arrived, elapsed_seconds, before), _detail(topic)
        sentence = _sentence(topic, numbers, detail["groups"], elapsed_seconds)
    else:
        numbers, detail = _of_letters(topic, arrived), {"left_out": {}}
        sentence = f"{counted(arrived, 'dead letters')} in {_in_words(elapsed_seconds)}."
    rows = [[each, topic.partitions[each].next_offset] for each in sorted(topic.partitions)]
    detail["positions"] = {"columns": ["partition", "next_offset"], "rows": rows[:POSITIONS_MAX]}
    if len(rows) > POSITIONS_MAX:
        detail["left_out"]["positions"] = len(rows) - POSITIONS_MAX
    version = before.observation.data_version if before else None
    if arrived or version is None:
        version = data_version(Position(each, at, 0) for each, at in rows)
    groups = group_table(detail.get("groups", ()), detail["left_out"].get("groups", 0))
    return dg.AssetObservation(
        dg.AssetKey(topic.asset_key),
        description=sentence,
        metadata={**link_entries(links), **numbers, **told, **groups, "detail": value.json(detail)},
        tags=versioned(version),
    )


def _of_stream(
    stream: Stream, arrived: int, elapsed_seconds: float, before: Report | None
) -> Metadata:
    value = dg.MetadataValue
    told: Metadata = {"records": value.int(arrived)}
    if elapsed_seconds:
        rate = float(f"{arrived / elapsed_seconds:.6g}")  # Dagster shows all digits there are
        told["records_per_second"] = value.float(rate)
    lags = [lag for each in stream.groups.values() if (lag := each.known_lag) is not None]
    if lags:
        told["lag"] = value.int(max(lags))
    ages = (each.time_lag_seconds for each in stream.groups.values())
    behind = [age for age in ages if age is not None]
    if behind:
        told["time_lag_seconds"] = value.float(max(behind))
    dead = stream.totals.dead_letters
    dead_before = integer(before.observation.metadata, "dead_letters_total") if before else 0
    told["dead_letters"] = value.int(dead - (dead_before or 0))
    if stream.completeness is not None:
        told["completeness"] = value.float(stream.completeness)
    if stream.life_reason is not None:
        told["life_reason"] = value.text(stream.life_reason)
    told["records_total"] = value.int(stream.total)
    told["dead_letters_total"] = value.int(dead)
    return told | newest_entries(stream.last_record_ms)


def _of_letters(topic: DeadLetterTopic, arrived: int) -> Metadata:
    told: Metadata = {
        "dead_letters": dg.MetadataValue.int(arrived),
        "dead_letters_total": dg.MetadataValue.int(topic.total),
    }
    return told | newest_entries(topic.last_arrival_ms)


def _detail(stream: Stream) -> dict[str, Any]:
    names = greatest_first({name: group.known_lag for name, group in stream.groups.items()})
    blind = stream.blind
    left_out = {"groups": len(names) - GROUPS_MAX, "blind": len(blind) - BLIND_MAX}
    return {
        "groups": [_group_row(each, stream.groups[each]) for each in names[:GROUPS_MAX]],
        "blind": [each.model_dump() for each in blind[:BLIND_MAX]],
        "left_out": {name: count for name, count in left_out.items() if count > 0},
    }


def _group_row(name: str, group: Group) -> dict[str, Any]:
    return {"group": name, **group.model_dump(mode="json", exclude={"partitions"})}


def _sentence(
    stream: Stream, numbers: Metadata, groups: Sequence[Mapping[str, Any]], elapsed_seconds: float
) -> str:
    """How the stream does: what came, who is behind, what died, what is unseen."""
    arrived, lag = integer(numbers, "records") or 0, integer(numbers, "lag")
    parts = [f"{counted(arrived, 'records')} in {_in_words(elapsed_seconds)}"]
    if lag is not None:
        bound = _BOUNDS.get(groups[0]["lag_bound"], "")
        parts.append(f"{groups[0]['group']} has {bound}{counted(lag, 'records')} still to read")
    if dead := integer(numbers, "dead_letters"):
        parts.append(f"{counted(dead, 'dead letters')} arrived")
    if stream.blind:
        parts.append(f"blind about {stream.blind[0].what}")
    return f"{'; '.join(parts)}."


def _in_words(seconds: float) -> str:
    return duration(round(1000 * seconds))
