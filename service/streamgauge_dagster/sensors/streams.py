"""The streams whose reports a sensor follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from streamgauge.config.policies import stream_policy
from streamgauge.core.checks.reported import reported_checks
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamgauge.config import Config
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge_dagster.partitioned import Partitioned


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedStream:
    """A stream as it is defined in Dagster."""

    asset_key: dg.AssetKey
    dead_letters: tuple[dg.AssetKey, ...] = ()
    """Assets of its dead letter topics."""
    checks: tuple[dg.AssetCheckKey, ...] = ()
    """Of the stream and its dead letter topics, as the gauge reports them."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses by name, such as a runbook and a dashboard, that stand with every report."""
    partitions: Partitioned | None = None
    """The asset that holds its partitions."""

    @property
    def assets(self) -> tuple[dg.AssetKey, ...]:
        """The stream's own asset and those of its dead letter topics."""
        return (self.asset_key, *self.dead_letters)

    @property
    def every_check(self) -> tuple[dg.AssetCheckKey, ...]:
        """The checks that the gauge reports, and `gauge_reporting`."""
        return (*self.checks, dg.AssetCheckKey(self.asset_key, CHECK_NAME))


def followed_stream(
    policy: StreamPolicy, *, links: Mapping[str, str] | None = None
) -> FollowedStream:
    """One stream of a configuration.

    Args:
        policy: what is measured of it, and how it is judged.
        links: addresses by name that stand with every report.
    """
    return FollowedStream(
        asset_key=dg.AssetKey(policy.asset_key),
        dead_letters=tuple(dg.AssetKey(each.asset_key) for each in policy.dead_letters),
        checks=tuple(
            dg.AssetCheckKey(dg.AssetKey(each.subject.asset_key), each.name)
            for each in reported_checks(policy)
        ),
        links=links or {},
    )


def followed_streams(
    config: Config,
    names: Collection[str] | None = None,
    *,
    links: Mapping[str, str] | None = None,
) -> list[FollowedStream]:
    """The streams of a configuration.

    Args:
        config: the gauge's.
        names: of the streams that are wanted; all without it.
        links: addresses by name that stand with every report.
    """
    return [
        followed_stream(stream_policy(name, stream, config.kafka), links=links)
        for name, stream in config.streams.items()
        if names is None or name in names
    ]
