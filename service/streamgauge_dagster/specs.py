"""How the topics of a stream and their checks stand in Dagster's definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.config.durations import format_duration
from streamgauge.core.checks.reported import reported_checks
from streamgauge_dagster.descriptions import (
    check_description,
    dead_letter_description,
    event_time_description,
    stream_description,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamgauge.config.kafka import Kafka
    from streamgauge.config.streams import Stream
    from streamgauge.core.checks.reported import ReportedCheck
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge_dagster.presentation import Presentation

_LONGEST_TAG: Final = 63
"""Characters that Dagster allows in the value of a tag."""


def asset_specs(
    policy: StreamPolicy, stream: Stream, kafka: Kafka, look: Presentation, *, period_ms: int
) -> Iterator[dg.AssetSpec]:
    """The stream's asset, then those of its dead letter topics, downstream of it."""
    key, checks = dg.AssetKey(policy.asset_key), reported_checks(policy)
    tags = {**look.tags, "streamgauge/stream": policy.name[:_LONGEST_TAG]}
    description = stream_description(policy, _of(key, checks), period_ms)
    read = {
        "bootstrap_servers": ", ".join(kafka.bootstrap_servers),
        "isolation_level": stream.isolation_level,
        "window": format_duration(policy.window_ms),
    }
    yield dg.AssetSpec(
        key,
        deps=look.upstream,
        group_name=look.group_name,
        owners=look.owners,
        kinds=set(look.kinds),
        tags=tags,
        description=f"{look.description}\n\n{description}" if look.description else description,
        metadata={
            **look.metadata(),
            **_topic(policy.topic, kafka),
            **read,
            "event_time": event_time_description(stream.event_time),
            "consumer_groups": ", ".join(policy.groups) or "none",
        },
    )
    for each in policy.dead_letters:
        letters = dg.AssetKey(each.asset_key)
        yield dg.AssetSpec(
            letters,
            deps=[key],
            group_name=look.group_name,
            owners=look.owners,
            kinds=set(look.kinds),
            tags=tags,
            description=dead_letter_description(each, policy, _of(letters, checks), period_ms),
            metadata={**look.metadata(), **_topic(each.topic, kafka), **read},
        )


def check_specs(policy: StreamPolicy) -> Iterator[dg.AssetCheckSpec]:
    """The checks under the names that the gauge reports them by."""
    for each in reported_checks(policy):
        yield dg.AssetCheckSpec(
            each.name,
            asset=dg.AssetKey(each.subject.asset_key),
            description=check_description(each),
        )


def _of(key: dg.AssetKey, checks: Sequence[ReportedCheck]) -> list[ReportedCheck]:
    return [each for each in checks if dg.AssetKey(each.subject.asset_key) == key]


def _topic(topic: str, kafka: Kafka) -> dict[str, Any]:
    return {
        "dagster/uri": f"kafka://{','.join(kafka.bootstrap_servers)}/{topic}",
        "topic": topic,
    }
