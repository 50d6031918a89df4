"""The asset that holds a stream's partitions: its key, its partitions and their checks.

It is an asset of its own, downstream of the stream. What is told of partitions would push reports
out of the newest observations of the stream, among which the gauge looks for its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import dagster as dg

from streamgauge.config import ConfigError
from streamgauge.config.durations import parse_duration
from streamgauge_dagster.asset_keys import asset_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamgauge.config import Config
    from streamgauge_dagster.partitions import Partitions


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPartitions:
    """The partitions of the topic, by number."""

    asset_key: dg.AssetKey
    definition: dg.StaticPartitionsDefinition

    @property
    def checks(self) -> Mapping[dg.AssetCheckKey, Sequence[dg.AssetCheckKey]]:
        """None: the gauge judges a topic and no partition of it."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTimeWindows:
    """Windows of event time."""

    asset_key: dg.AssetKey
    definition: dg.TimeWindowPartitionsDefinition
    allowed_lateness_ms: int
    checks: Mapping[dg.AssetCheckKey, Sequence[dg.AssetCheckKey]] = field(default_factory=dict)
    """The checks of a window, each with those of the stream and its dead letters it sums up."""


Partitioned: TypeAlias = KafkaPartitions | EventTimeWindows


def partitioned(
    partitions: Partitions, stream: dg.AssetKey, checks: Iterable[dg.AssetCheckKey] = ()
) -> Partitioned:
    """The partitions of one stream.

    Args:
        partitions: as they are asked for, without problems.
        stream: the stream's own asset.
        checks: of the stream and its dead letter topics, as the gauge reports them.
    """
    if partitions.event_time is None:
        numbers = [str(number) for number in range(partitions.kafka or 0)]
        return KafkaPartitions(
            asset_key=_beside(stream, "by_partition"),
            definition=dg.StaticPartitionsDefinition(numbers),
        )
    key, start = _beside(stream, partitions.event_time), partitions.start or ""
    of_windows: dict[dg.AssetCheckKey, list[dg.AssetCheckKey]] = {}
    for check in checks:  # several dead letter topics have checks of one name
        of_windows.setdefault(dg.AssetCheckKey(key, check.name), []).append(check)
    return EventTimeWindows(
        asset_key=key,
        definition=dg.HourlyPartitionsDefinition(f"{start}-00:00", timezone=partitions.timezone)
        if partitions.event_time == "hourly"
        else dg.DailyPartitionsDefinition(start, timezone=partitions.timezone),
        allowed_lateness_ms=parse_duration(partitions.allowed_lateness),
        checks=of_windows,
    )


def refuse_partitions(
    partitions: Partitions, settings: Config, names: Iterable[str], *, told: bool
) -> None:
    """Do nothing if each stream can be cut so, and somebody tells of its partitions.

    Args:
        partitions: as they are asked for.
        settings: the gauge's.
        names: of the streams that are cut.
        told: whether a sensor tells of partitions.

    Raises:
        ConfigError: what is wrong.
    """
    problems = list(partitions.problems())
    if not told:
        told_by = "the sensors of observations, or a poll, tell of them: give sensors"
        problems.append(f"partitions: nothing would be told of them; {told_by}")
    if problems:
        raise ConfigError(problems)
    others = {dg.AssetKey(parts).to_python_identifier() for _, parts in asset_keys(settings)}
    streams = (dg.AssetKey(settings.streams[name].asset_key) for name in names)
    keys = [partitioned(partitions, stream).asset_key for stream in streams]
    taken = [key.to_user_string() for key in keys if key.to_python_identifier() in others]
    if taken:
        told_of = (f"there is an asset {key} already: give that another key" for key in taken)
        raise ConfigError(f"partitions: {each}" for each in told_of)


def _beside(stream: dg.AssetKey, suffix: str) -> dg.AssetKey:
    *before, last = stream.path
    return dg.AssetKey([*before, f"{last}_{suffix}"])
