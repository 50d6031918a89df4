"""How the topics of a stream and their checks stand in Dagster's definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.config.durations import format_duration
from streamgauge.core.checks.reported import reported_checks
from streamgauge_dagster.descriptions import (
    check_description,
    dead_letter_description,
    event_time_description,
    polled_description,
    stream_description,
)
from streamgauge_dagster.silence import SILENT_AFTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from streamgauge.config.kafka import Kafka
    from streamgauge.config.streams import Stream
    from streamgauge.core.checks.reported import ReportedCheck
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge_dagster.presentation import Presentation
    from streamgauge_dagster.sensors import FollowedStream

_LONGEST_TAG: Final = 63
"""Characters that Dagster allows in the value of a tag."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What all streams of one definition have in common."""

    kafka: Kafka
    look: Presentation
    period_ms: int
    """How often they are reported, or polled."""
    silent_ms: int
    """Age from which on a report says nothing of now."""
    polled: bool
    """Whether Dagster itself asks Kafka, in place of a gauge."""


def asset_specs(policy: StreamPolicy, stream: Stream, of: Measured) -> Iterator[dg.AssetSpec]:
    """The stream's asset, then those of its dead letter topics, downstream of it."""
    key, look = dg.AssetKey(policy.asset_key), of.look
    description = _stream_description(policy, of)
    read: dict[str, Any] = {
        "isolation_level": stream.isolation_level,
        SILENT_AFTER: of.silent_ms / 1000,
    }
    if not of.polled:
        read["window"] = format_duration(policy.window_ms)
    shared: dict[str, Any] = {
        "group_name": look.group_name,
        "owners": look.owners,
        "kinds": set(look.kinds),
        "tags": {**look.tags, **stream_tag(policy.name)},
    }
    yield dg.AssetSpec(
        key,
        deps=look.upstream,
        description=f"{look.description}\n\n{description}" if look.description else description,
        metadata={
            **look.metadata(),
            **_topic(policy.topic, of),
            **read,
            "event_time": event_time_description(stream.event_time),
            "consumer_groups": ", ".join(policy.groups) or "none",
        },
        **shared,
    )
    for each in policy.dead_letters:
        letters = dg.AssetKey(each.asset_key)
        yield dg.AssetSpec(
            letters,
            deps=[key],
            description=polled_description(each.topic, of.period_ms, dead_letters_of=policy.topic)
            if of.polled
            else dead_letter_description(each, policy, _of(letters, policy), of.period_ms),
            metadata={**look.metadata(), **_topic(each.topic, of), **read},
            **shared,
        )


def stream_tag(name: str) -> dict[str, str]:
    """The tag of all assets of a stream."""
    return {"streamgauge/stream": name[:_LONGEST_TAG]}


def downstream_specs(
    streams: Iterable[FollowedStream], look: Presentation
) -> Sequence[dg.AssetSpec]:
    """The assets that are built on all of these streams, by what Dagster does not run."""
    deps = [stream.asset_key for stream in streams]
    names = ", ".join(f"`{key.to_user_string()}`" for key in deps)
    description = f"Built on {names}, outside of Dagster."
    return [dg.AssetSpec(key, deps=deps, description=description) for key in look.downstream]


def check_specs(
    policy: StreamPolicy, blocking: Collection[str] = ()
) -> Iterator[dg.AssetCheckSpec]:
    """The checks under the names that the gauge reports them by.

    Args:
        policy: of the stream.
        blocking: names of those that block.
    """
    for each in reported_checks(policy):
        yield dg.AssetCheckSpec(
            each.name,
            asset=dg.AssetKey(each.subject.asset_key),
            description=check_description(each),
            blocking=each.name in blocking,
        )


def _stream_description(policy: StreamPolicy, of: Measured) -> str:
    if of.polled:
        return polled_description(policy.topic, of.period_ms, groups=bool(policy.groups))
    return stream_description(policy, _of(dg.AssetKey(policy.asset_key), policy), of.period_ms)


def _of(key: dg.AssetKey, policy: StreamPolicy) -> list[ReportedCheck]:
    checks = reported_checks(policy)
    return [each for each in checks if dg.AssetKey(each.subject.asset_key) == key]


def _topic(topic: str, of: Measured) -> dict[str, Any]:
    """Where the topic lies, and how one gets there but for secrets."""
    kafka, servers = of.kafka, of.kafka.bootstrap_servers
    told = {
        "dagster/uri": f"kafka://{','.join(servers)}/{topic}",
        "topic": topic,
        "cluster": of.look.cluster,
        "bootstrap_servers": ", ".join(servers),
    }
    if kafka.security_protocol != "PLAINTEXT":
        told["security"] = ", ".join(filter(None, (kafka.security_protocol, kafka.sasl_mechanism)))
    return {name: value for name, value in told.items() if value is not None}
