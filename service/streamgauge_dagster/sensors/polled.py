"""What is polled, and what a poll of Kafka finds out about one topic, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from streamgauge.config import Config
    from streamgauge.config.streams import Stream
    from streamgauge.core.snapshot import GroupView
    from streamgauge_dagster.partitioned import Partitioned


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledTopic:
    """A topic that is polled, and the asset that stands for it."""

    asset_key: dg.AssetKey
    topic: str
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    groups: tuple[str, ...] = ()
    """Consumer groups whose lag is told: names, or patterns with `*` and `?`."""
    rules_of: Stream | None = None
    """The settings that say where the time of an event is found; None: its record's timestamp."""

    @property
    def name(self) -> str:
        """The asset's."""
        return self.asset_key.to_user_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledStream:
    """A stream with its topics."""

    name: str
    topics: tuple[PolledTopic, ...]
    """The stream's own first, then its dead letter topics."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses by name that stand with every observation."""
    partitions: Partitioned | None = None
    """The asset that holds its partitions."""


def polled_streams(
    config: Config,
    names: Collection[str] | None = None,
    *,
    links: Mapping[str, str] | None = None,
) -> list[PolledStream]:
    """The streams of a configuration.

    Args:
        config: as a gauge would have it.
        names: of the streams that are wanted; all without it.
        links: addresses by name that stand with every observation.
    """
    return [
        PolledStream(name=name, topics=tuple(_topics(stream)), links=links or {})
        for name, stream in config.streams.items()
        if names is None or name in names
    ]


def _topics(stream: Stream) -> Iterator[PolledTopic]:
    yield PolledTopic(
        asset_key=dg.AssetKey(list(stream.asset_key)),
        topic=stream.topic,
        isolation_level=stream.isolation_level,
        groups=tuple(stream.groups),
        rules_of=stream,
    )
    for each in stream.dead_letters:
        yield PolledTopic(
            asset_key=dg.AssetKey(list(each.asset_key)),
            topic=each.topic,
            isolation_level=stream.isolation_level,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A topic as it was found. What did not answer is absent."""

    topic_id: str | None
    """Changes when a topic is deleted and created again; None: the broker does not tell."""
    partitions: tuple[int, ...]
    start: Mapping[int, int]
    end: Mapping[int, int]
    groups: Mapping[str, GroupView] = field(default_factory=dict)
    time_lag_seconds: Mapping[str, float] = field(default_factory=dict)
    """By consumer group, where it is exact."""
    newest_ms: int | None = None
    """Timestamp of the newest record that was read."""
    groups_left_out: int = 0
    trouble: tuple[str, ...] = ()
    """What could not be found out, and why."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing was found out; says why, without secrets."""

    reason: str


Answer: TypeAlias = Found | Unknown
